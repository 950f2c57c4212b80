//! What only the folder of letters does.

use std::fs;

use kit::port::PortError;
use tempfile::TempDir;

use super::{letter, letters_in, open};

#[tokio::test]
async fn letters_are_files_in_the_order_of_their_writing() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data/mail");
    let mail = open("log://", &data).await.unwrap();
    let letters = ["first", "second", "third"].map(letter);
    for letter in &letters {
        mail.send(letter).await.unwrap();
    }
    let mut names: Vec<_> = fs::read_dir(&data)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(
        names,
        letters
            .each_ref()
            .map(|letter| std::ffi::OsString::from(format!("{}.eml", letter.id)))
    );
    let subjects = letters_in(&data).concat();
    assert!(subjects.contains("From: hostelpulse@localhost\r\n"), "{subjects}");
    assert!(subjects.contains("Your code is 123456."), "{subjects}");
}

#[tokio::test]
async fn a_letter_sent_again_is_one_file() {
    let folder = TempDir::new().unwrap();
    let mail = open("log://", folder.path()).await.unwrap();
    let letter = letter("once");
    mail.send(&letter).await.unwrap();
    mail.send(&letter).await.unwrap();
    assert_eq!(letters_in(folder.path()).len(), 1);
}

#[tokio::test]
async fn a_folder_that_goes_away_is_unavailable_and_works_when_it_is_back() {
    let folder = TempDir::new().unwrap();
    let (here, away) = (folder.path().join("mail"), folder.path().join("away"));
    let mail = open("log://", &here).await.unwrap();
    fs::rename(&here, &away).unwrap();
    for error in [
        mail.ping().await.unwrap_err(),
        mail.send(&letter("x")).await.unwrap_err(),
    ] {
        assert!(matches!(error, PortError::Unavailable { .. }), "{error}");
    }
    fs::rename(&away, &here).unwrap();
    mail.send(&letter("x")).await.unwrap();
    assert_eq!(letters_in(&here).len(), 1);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_said_in_one_sentence() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = open("log://", &file.join("mail")).await.err().unwrap();
    assert!(error.why.contains("/file/mail cannot be written"), "{error}");
}
