//! Rows that are right, wrong, and there already.

use proto::students::{ImportStatus, UpdateStudentRequest};

use super::{counts, fields, file, refused, row, row_in};
use crate::hostel::{ADDRESS, Hostel, PARENT_PHONE, PHONE, somebody};

/// Three hundred rows of which twenty are wrong, each in its own way; the wrong ones with their fields.
fn mixed() -> (Vec<String>, Vec<(u32, Vec<&'static str>)>) {
    let mut rows: Vec<String> = (1..=300).map(row).collect();
    let parent = format!(",{PARENT_PHONE},");
    let phone = format!(",{PHONE},");
    let address = format!("\"{ADDRESS}\"");
    let mut wrong = Vec::new();
    let mut spoil = |number: u32, from: &str, to: &str, fields: &[&'static str]| {
        let row = &mut rows[number as usize - 1];
        assert!(row.contains(from), "{row} has {from}");
        *row = row.replacen(from, to, 1);
        wrong.push((number + 1, fields.to_vec()));
    };
    spoil(10, "student10@", "student10", &["email"]);
    spoil(20, "REG-020", "REG 020", &["registration_no"]);
    spoil(30, "REG-030", "", &["registration_no"]);
    spoil(40, "Some Body 40", "", &["name"]);
    spoil(50, "Some Body 50", "\"Some\nBody\"", &["name"]);
    spoil(60, &phone, ",12345,", &["phone"]);
    spoil(70, &phone, ",9.8765E+09,", &["phone"]);
    spoil(80, &parent, ",0000000000,", &["parent_phone"]);
    spoil(90, &address, &"x".repeat(501), &["address"]);
    spoil(100, ",1,1,", ",5,1,", &["year"]);
    spoil(110, ",1,1,", ",first,1,", &["year"]);
    spoil(120, ",1,1,", ",1,9,", &["semester"]);
    spoil(130, ",1,1,", ",1,3,", &["semester"]);
    spoil(140, ",1,1,,", ",1,1,X-999,", &["room"]);
    spoil(150, ",1,1,,", ",1,1,101,", &["room"]);
    spoil(160, "student160@", "STUDENT1@", &["email"]);
    spoil(170, "REG-170", "reg-001", &["registration_no"]);
    spoil(180, ",1,1,,", ",1,1", &["row"]);
    spoil(190, ",1,1,,", ",1,1,,weak", &["password"]);
    spoil(200, "student200@", "warden@", &["email"]);
    // A line end within a cell moves the lines behind it.
    for (line, _) in wrong.iter_mut().filter(|(line, _)| *line > 51) {
        *line += 1;
    }
    (rows, wrong)
}

#[tokio::test]
async fn bad_rows_stop_no_others() {
    let hostel = Hostel::open().await;
    for block in ["A", "B"] {
        hostel.room(block, "101", 2).await;
    }
    hostel.auth.has_stranger("warden@hostel.example");
    let (rows, wrong) = mixed();
    let report = hostel.import(file(&rows)).await;
    assert_eq!(refused(&report), wrong);
    assert_eq!(counts(&report), (280, 0, 20));
    let lines: Vec<u32> = report.rows.iter().map(|row| row.line).collect();
    assert!(lines.is_sorted() && lines.len() == 300, "in the order of the file");
    assert!(
        report
            .rows
            .iter()
            .all(|row| row.student_id.is_some() == row.errors.is_empty())
    );
    let again = report.rows.iter().find(|row| row.line == 172).unwrap();
    assert_eq!(again.errors[0].error, "stands in line 2 already");
    assert_eq!((hostel.count("student").await, hostel.auth.accounts()), (280, 280));
    assert_eq!(hostel.events_of("student.registered").await.len(), 280);
    assert_eq!(hostel.count("account_intent").await, 0);
    // Corrected, the file does the rest.
    let corrected: Vec<String> = (1..=300).map(row).collect();
    assert_eq!(counts(&hostel.import(file(&corrected)).await), (20, 280, 0));
    assert_eq!(hostel.auth.accounts(), 300);
}

#[tokio::test]
async fn a_dry_run_says_it_all_and_writes_nothing() {
    let hostel = Hostel::open().await;
    hostel.room("A", "A-101", 2).await;
    hostel.register(1).await;
    let before = hostel.written().await;
    let accounts = hostel.auth.accounts();
    let taken = row(3).replace("student3@", "student1@");
    let mut rows = vec![row(1), row(2), taken];
    rows.extend((4..=6).map(|number| row_in(number, "A-101")));
    let report = hostel.foresee(file(&rows)).await;
    assert_eq!(counts(&report), (3, 1, 2), "{report:?}");
    assert_eq!(refused(&report), [(4, vec!["email"]), (7, vec!["room"])]);
    assert_eq!((hostel.written().await, hostel.auth.accounts()), (before, accounts));
    assert_eq!(hostel.auth.reserved().len(), 1, "auth is not even asked");
    let real = hostel.import(file(&rows)).await;
    let statuses =
        |report: &proto::students::ImportReport| report.rows.iter().map(|row| row.status).collect::<Vec<_>>();
    assert_eq!(statuses(&real), statuses(&report), "it comes as it was foreseen");
}

#[tokio::test]
async fn the_same_file_again_changes_nothing() {
    let hostel = Hostel::open().await;
    hostel.room("A", "A-101", 300).await;
    let rows: Vec<String> = (1..=250).map(|number| row_in(number, "a-101")).collect();
    let first = hostel.import(file(&rows)).await;
    assert_eq!(counts(&first), (250, 0, 0));
    let (written, told) = (hostel.written().await, hostel.auth.told().len());
    let second = hostel.import(file(&rows)).await;
    assert_eq!(counts(&second), (0, 250, 0));
    let ids = |report: &proto::students::ImportReport| {
        let ids = report.rows.iter().map(|row| row.student_id.clone().unwrap());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(ids(&first), ids(&second));
    assert_eq!((hostel.written().await, hostel.auth.told().len()), (written, told));
    let history = hostel.history(&ids(&first)[249]).await;
    assert_eq!(history, [("student.registered".to_owned(), 1)]);
}

#[tokio::test]
async fn who_is_registered_otherwise_is_not_changed() {
    let hostel = Hostel::open().await;
    hostel.room("A", "A-101", 3).await;
    let student = hostel.register(1).await;
    hostel.register(2).await;
    let address = format!("\"{ADDRESS}\"");
    let other = row_in(1, "A-101")
        .replace("student1@", "other@")
        .replace("Some Body 1", "Somebody Else")
        .replace(PHONE, "9999999999")
        .replace(PARENT_PHONE, "8888888888")
        .replace(&address, "Elsewhere")
        .replace(",1,1,", ",2,3,");
    let all = [
        "email",
        "name",
        "phone",
        "parent_phone",
        "address",
        "year",
        "semester",
        "room",
    ];
    // Nothing is said of the address: nothing is wrong with it. Numbers and addresses are compared without regard to case.
    let silent = row(2)
        .replace(&address, "")
        .replace("REG-", "reg-")
        .replace("student2", "STUDENT2");
    let report = hostel.import(file(&[other, silent])).await;
    assert_eq!(refused(&report), [(2, all.to_vec())]);
    assert_eq!(report.rows[1].status(), ImportStatus::Unchanged);
    assert_eq!(hostel.get(&student.id).await.unwrap(), student);
    // Once the record is changed, the row is as it is.
    let change = UpdateStudentRequest {
        id: student.id.clone(),
        name: Some("Somebody Else".to_owned()),
        ..UpdateStudentRequest::default()
    };
    hostel.update(change).await.unwrap();
    let report = hostel
        .import(file(&[row(1).replace("Some Body 1", "Somebody Else")]))
        .await;
    assert_eq!(counts(&report), (0, 1, 0));
}

#[tokio::test]
async fn passwords_are_passed_on_and_not_kept() {
    let hostel = Hostel::open().await;
    let rows: Vec<String> = (1..=12)
        .map(|number| format!("{}Secret#{number}", row(number)))
        .collect();
    let report = hostel.import(file(&rows)).await;
    assert_eq!(counts(&report), (12, 0, 0), "{report:?}");
    let reserved = hostel.auth.reserved();
    let passwords: Vec<_> = reserved.iter().filter_map(|one| one.password.clone()).collect();
    assert_eq!(
        passwords,
        (1..=12).map(|number| format!("Secret#{number}")).collect::<Vec<_>>()
    );
    let kept = hostel.everything_kept().await;
    assert!(!kept.windows(7).any(|bytes| bytes == b"Secret#"));
}

#[tokio::test]
async fn addresses_of_students_and_of_others_are_taken() {
    let hostel = Hostel::open().await;
    hostel.try_register(somebody(1)).await.unwrap();
    hostel.auth.has_stranger("REG-003");
    let rows = [row(2).replace("student2@", "Student1@"), row(3), row(4)];
    let report = hostel.import(file(&rows)).await;
    assert_eq!(refused(&report), [(2, vec!["email"]), (3, vec!["registration_no"])]);
    assert_eq!(fields(&report.rows[2]), Vec::<&str>::new());
    assert_eq!((hostel.count("student").await, hostel.auth.accounts()), (2, 2));
}
