//! Files as spreadsheets write them, and those that are none.

use proto::{
    options::Role,
    students::ImportReport,
    types::{FileChunk, file_chunk::Part},
};
use tonic::Code;

use super::{HEADER, counts, file, pieces, row};
use crate::hostel::{ADDRESS, Hostel, PARENT_PHONE, PHONE, code, wrong_fields};

/// Zoë, in a file whose columns are in another order.
fn zoe(number: u32, delimiter: &str, line_end: &str) -> String {
    let columns = [
        "Semester",
        "year",
        "Parent-Phone",
        "phone",
        "NAME",
        "Registration No",
        "email",
        "address",
    ];
    let number = format!("Z-{number}");
    let email = format!("{number}@hostel.example");
    let address = format!("\"{ADDRESS}\"");
    let cells = ["3", "2", PARENT_PHONE, PHONE, "Zoë Müller", &number, &email, &address];
    [columns.join(delimiter), cells.join(delimiter), String::new()].join(line_end)
}

fn student_id(report: &ImportReport) -> &str {
    assert_eq!(counts(report), (1, 0, 0), "{report:?}");
    report.rows[0].student_id.as_deref().unwrap()
}

#[tokio::test]
async fn files_of_every_spreadsheet() {
    let hostel = Hostel::open().await;
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    // Every character of it is one of the first 256.
    let windows = |text: &str| {
        text.chars()
            .map(|c| u8::try_from(u32::from(c)).unwrap())
            .collect::<Vec<u8>>()
    };
    let files = [
        zoe(1, ",", "\n").into_bytes(),
        zoe(2, ";", "\r\n").into_bytes(),
        zoe(3, "\t", "\r").into_bytes(),
        [b"\xef\xbb\xbf".to_vec(), zoe(4, ",", "\r\n").into_bytes()].concat(),
        [b"\xff\xfe".to_vec(), utf16(&zoe(5, "\t", "\r\n"))].concat(),
        windows(&zoe(6, ";", "\r\n")),
    ];
    for (file, number) in files.iter().zip(1..) {
        let report = hostel.import(file).await;
        let student = hostel.get(student_id(&report)).await.unwrap();
        assert_eq!(report.rows[0].registration_no, Some(format!("Z-{number}")));
        assert_eq!(
            (student.name.as_str(), student.address.as_deref(), student.semester),
            ("Zoë Müller", Some(ADDRESS), 3)
        );
        assert_eq!(
            (student.phone.as_str(), student.parent_phone.as_str()),
            (PHONE, PARENT_PHONE)
        );
        let account = hostel.auth.account(&student.id).unwrap();
        assert_eq!((account.version, account.password), (1, None));
    }
    assert_eq!(hostel.auth.accounts(), 6);
    assert_eq!(hostel.count("account_intent").await, 0);
}

#[tokio::test]
async fn what_looks_like_a_formula_is_text() {
    let hostel = Hostel::open().await;
    let quoted = row(1).replace(&format!("\"{ADDRESS}\""), "\"'=HYPERLINK(\"\"http://x\"\")\"");
    let bare = row(2).replace(&format!("\"{ADDRESS}\""), "+12 Lake Road");
    let report = hostel.import(file(&[quoted, bare])).await;
    assert_eq!(counts(&report), (2, 0, 0), "{report:?}");
    let mut addresses = Vec::new();
    for row in &report.rows {
        addresses.push(
            hostel
                .get(row.student_id.as_deref().unwrap())
                .await
                .unwrap()
                .address
                .unwrap(),
        );
    }
    assert_eq!(addresses, ["=HYPERLINK(\"http://x\")", "+12 Lake Road"]);
}

#[tokio::test]
async fn files_that_are_none() {
    let hostel = Hostel::open().await;
    let refused = async |file: &[u8]| {
        let fault = hostel.try_import(file, false).await.unwrap_err();
        assert_eq!(fault.reason, "VALIDATION_ERROR", "{fault}");
        let [violation] = fault.violations.as_slice() else {
            panic!("one violation expected, got {fault:?}");
        };
        assert_eq!(violation.field, "file");
        violation.error.clone()
    };
    assert!(refused(b"").await.contains("empty"));
    assert!(refused(b"PK\x03\x04workbook").await.contains("CSV"));
    let said = refused(b"email,name,shoe size,name\nx,y,z,w\n").await;
    for part in ["registration_no", "shoe size", "there twice: name"] {
        assert!(said.contains(part), "{said}");
    }
    assert!(refused(format!("{HEADER}\n\"open").as_bytes()).await.contains("line 2"));
    assert!(refused(file(&vec![row(1); 20_001]).as_bytes()).await.contains("20,000"));
    let large = vec![b'x'; 10 * 1024 * 1024 + 1];
    assert_eq!(code(hostel.try_import(&large, false).await).1, "PAYLOAD_TOO_LARGE");
    assert_eq!(hostel.count("student").await, 0);
}

#[tokio::test]
async fn half_a_file_and_half_a_wish() {
    let hostel = Hostel::open().await;
    let whole = pieces(file(&[row(1), row(2)]).as_bytes(), &[]);
    let broken: Vec<FileChunk> = whole
        .iter()
        .filter(|piece| !matches!(piece.part, Some(Part::End(_))))
        .cloned()
        .collect();
    assert_eq!(wrong_fields(hostel.send(hostel.warden(broken)).await), ["file"]);
    let unclear = pieces(file(&[row(1)]).as_bytes(), &[("dry_run", "yes")]);
    assert_eq!(wrong_fields(hostel.send(hostel.warden(unclear)).await), ["dry_run"]);
    assert_eq!(hostel.count("student").await, 0);
    let report = hostel.send(hostel.warden(whole)).await.unwrap();
    assert_eq!(counts(&report), (2, 0, 0), "no wish is no dry run");
}

#[tokio::test]
async fn who_may_not_import() {
    let hostel = Hostel::open().await;
    for role in [Role::Student, Role::Guard, Role::Staff, Role::Teacher] {
        let request = hostel.world.by(role, pieces(file(&[row(1)]).as_bytes(), &[]));
        let refused = code(hostel.send(request).await);
        assert_eq!(refused, (Code::PermissionDenied, "FORBIDDEN".to_owned()), "{role:?}");
    }
    assert_eq!(hostel.count("student").await, 0);
}
