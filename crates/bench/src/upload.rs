//! A large document up and down: what the process holds in memory for it.

use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use url::Url;

use crate::server::{Form, Server};

const MIB: usize = 1024 * 1024;
/// What of a document is not its page.
const FRAME: usize = 4 * 1024;

#[derive(Args)]
pub(crate) struct Options {
    /// How large the document is, in MiB; more than 50 MB, which is 47 of them, are refused.
    #[arg(long, default_value_t = 47)]
    mib: usize,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let server = Server::start().await?;
    let token = server.sign_in().await?;
    let student = json!({
        "email": "reader@bench.example", "registration_no": "BENCH-1", "name": "Asha Verma", "phone": "9000000001",
        "parent_phone": "9000000002", "year": 1, "semester": 1
    });
    let student = server.post("/api/v1/students", &token, &student).await?;
    let path = format!(
        "/api/v1/students/{}/documents",
        student["id"].as_str().unwrap_or_default()
    );
    // A small one first: what it takes to keep any document at all is not counted as the large one's.
    let small = pdf(MIB);
    server.upload(&path, &token, &form(&small)).await?;
    let large = pdf(options.mib * MIB - FRAME);
    println!("{:<28} {:>8} {:>10}", "", "seconds", "peak MiB");
    println!("{:<28} {:>8} {:>10.1}", "before", "", server.peak_memory()?);
    let begun = Instant::now();
    let document = server.upload(&path, &token, &form(&large)).await?;
    print(&format!("{} MiB up", options.mib), begun, &server)?;
    let link = document["url"].as_str().context("a document without a link")?;
    let link = Url::parse(link)?;
    let link = format!("{}?{}", link.path(), link.query().unwrap_or_default());
    let begun = Instant::now();
    let received = server.download(&link, "").await?;
    anyhow::ensure!(received >= large.len() as u64, "only {received} bytes came back");
    print(&format!("{} MiB down", options.mib), begun, &server)
}

fn print(what: &str, begun: Instant, server: &Server) -> anyhow::Result<()> {
    let seconds = begun.elapsed().as_secs_f64();
    println!("{what:<28} {seconds:>8.2} {:>10.1}", server.peak_memory()?);
    Ok(())
}

fn form(content: &[u8]) -> Form<'_> {
    Form {
        fields: &[("doc_type", "other")],
        file_name: "book.pdf",
        content,
    }
}

/// A PDF whose page says nothing at this length.
fn pdf(length: usize) -> Vec<u8> {
    let mut pdf = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n\
        1 0 obj\n<</Type /Catalog /Pages 2 0 R>>\nendobj\n\
        2 0 obj\n<</Type /Pages /Kids [3 0 R] /Count 1>>\nendobj\n\
        3 0 obj\n<</Type /Page /Parent 2 0 R /MediaBox [0 0 200 200]>>\nendobj\n"
        .to_vec();
    pdf.extend_from_slice(format!("4 0 obj\n<</Length {length}>>\nstream\r\n").as_bytes());
    pdf.extend((0..length).map(|at| b"0123456789 "[at * 7 % 11]));
    pdf.extend_from_slice(
        b"\nendstream\nendobj\n\nxref\n0 1\n0000000000 65535 f \ntrailer\n<</Size 4 /Root 1 0 R>>\nstartxref\n9\n%%EOF\n",
    );
    pdf
}
