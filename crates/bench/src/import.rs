//! A file of students: how long it takes to import it, and to send it again.

use std::{fmt::Write as _, time::Instant};

use clap::Args;
use kit::Clock;
use serde_json::Value;

use crate::{
    hostel,
    server::{Form, Server},
};

const PATH: &str = "/api/v1/students/bulk-import";

#[derive(Args)]
pub(crate) struct Options {
    /// How many rows the file has. All of them are invited: none has a password.
    #[arg(long, default_value_t = 5_000)]
    rows: usize,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let server = Server::start().await?;
    let token = server.sign_in().await?;
    let file = file(options.rows)?;
    println!(
        "{:<16} {:>8} {:>9} {:>10} {:>7}",
        "", "seconds", "created", "unchanged", "failed"
    );
    for (turn, outcome) in [("first time", "created"), ("the same again", "unchanged")] {
        let begun = Instant::now();
        let form = Form {
            fields: &[],
            file_name: "students.csv",
            content: file.as_bytes(),
        };
        let report = server.upload(PATH, &token, &form).await?;
        let seconds = begun.elapsed().as_secs_f64();
        let [created, unchanged, failed] = ["created", "unchanged", "failed"].map(|name| number(&report[name]));
        println!("{turn:<16} {seconds:>8.2} {created:>9} {unchanged:>10} {failed:>7}");
        anyhow::ensure!(
            number(&report[outcome]) == options.rows as u64,
            "not every row is {outcome}"
        );
    }
    Ok(())
}

/// Numbers of the report, written as texts where they are long.
fn number(value: &Value) -> u64 {
    let text = value.as_str().and_then(|text| text.parse().ok());
    value.as_u64().or(text).unwrap_or_default()
}

fn file(rows: usize) -> anyhow::Result<String> {
    let mut file = "registration_no,name,email,phone,parent_phone,address,year,semester\n".to_owned();
    for student in hostel::of(rows, &Clock::system()).students {
        writeln!(
            file,
            "{},{},{},{},{},\"{}\",{},{}",
            student.registration_no,
            student.name,
            student.email,
            student.phone,
            student.parent_phone,
            student.address,
            student.year,
            student.semester
        )?;
    }
    Ok(file)
}
