//! The calendar, for programs and as a file.

use chrono::TimeDelta;
use kit::Fault;
use proto::{
    leave::{DownloadCalendarRequest, GetCalendarRequest, LeaveCalendar},
    types::file_chunk::Part,
};

use crate::{
    gate::{come_back, depart},
    hostel::{Hostel, told, wrong_fields},
};

/// The calendar of so many days from now to so many.
async fn calendar(hostel: &Hostel, (from, to): (u64, u64), block: Option<&str>) -> Result<LeaveCalendar, Fault> {
    let request = GetCalendarRequest {
        from: hostel.in_days(from).to_string(),
        to: hostel.in_days(to).to_string(),
        block: block.map(str::to_owned),
    };
    told(hostel.calendar().get_calendar(hostel.by_warden(request)).await)
}

/// The same as a file, unfolded.
async fn file(hostel: &Hostel, (from, to): (u64, u64)) -> (String, String) {
    let request = DownloadCalendarRequest {
        from: hostel.in_days(from).to_string(),
        to: hostel.in_days(to).to_string(),
        block: None,
        format: "ics".to_owned(),
    };
    let answer = hostel
        .calendar()
        .download_calendar(hostel.by_warden(request))
        .await
        .unwrap();
    let mut pieces = answer.into_inner();
    let Some(Part::Header(header)) = pieces.message().await.unwrap().unwrap().part else {
        panic!("no header")
    };
    assert_eq!(header.content_type, "text/calendar; charset=utf-8");
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.message().await.unwrap() {
        let Some(Part::Data(data)) = piece.part else {
            panic!("no data")
        };
        bytes.extend(data);
    }
    assert_eq!(header.size, Some(bytes.len() as u64));
    (header.file_name, String::from_utf8(bytes).unwrap().replace("\r\n ", ""))
}

#[tokio::test]
async fn a_calendar_has_the_granted_leaves_of_its_days() {
    let hostel = Hostel::open().await;
    let (asha, ravi) = (hostel.student(1, "A").await, hostel.student(2, "B").await);
    let late = hostel.granted(&asha, 5, 9).await;
    let early = hostel.granted(&ravi, 2, 6).await;
    hostel.ask(&asha, hostel.home(20, 21)).await.unwrap();
    let found = calendar(&hostel, (6, 30), None).await.unwrap();
    let ids: Vec<_> = found.entries.iter().map(|entry| entry.leave_id.clone()).collect();
    assert_eq!(ids, [early.id.clone(), late.id.clone()]);
    let first = found.entries[0].student.clone().unwrap();
    assert_eq!((first.name.as_str(), first.block.as_deref()), ("Student 2", Some("B")));
    assert_eq!(calendar(&hostel, (7, 7), None).await.unwrap().entries.len(), 1);
    assert_eq!(calendar(&hostel, (0, 30), Some("b")).await.unwrap().entries.len(), 1);
    assert!(calendar(&hostel, (10, 19), None).await.unwrap().entries.is_empty());
    assert_eq!(wrong_fields(calendar(&hostel, (2, 1), None).await), ["to"]);
    assert_eq!(wrong_fields(calendar(&hostel, (0, 367), None).await), ["to"]);
    assert_eq!(calendar(&hostel, (0, 366), None).await.unwrap().entries.len(), 2);
    let nothing = GetCalendarRequest::default();
    let nothing = told(hostel.calendar().get_calendar(hostel.by_warden(nothing)).await);
    assert_eq!(wrong_fields(nothing), ["from", "to"]);
}

#[tokio::test]
async fn the_file_keeps_ids_counts_changes_and_tells_what_was_taken_back() {
    let hostel = Hostel::open().await;
    let (asha, ravi) = (hostel.student(1, "A").await, hostel.student(2, "B").await);
    let kept = hostel.granted(&asha, 2, 6).await;
    let gone = hostel.granted(&ravi, 3, 4).await;
    let never = hostel.ask(&ravi, hostel.home(8, 9)).await.unwrap();
    let (name, before) = file(&hostel, (0, 10)).await;
    assert_eq!(name, format!("leaves-{}-{}.ics", hostel.in_days(0), hostel.in_days(10)));
    assert_eq!(before.matches("STATUS:CONFIRMED").count(), 2);
    hostel.cancel(&ravi, &gone.id).await.unwrap();
    hostel.cancel(&ravi, &never.id).await.unwrap();
    let (_, after) = file(&hostel, (0, 10)).await;
    let of = |file: &str, id: &str| -> String {
        let events = file.split("BEGIN:VEVENT\r\n");
        let mut of = events.filter(|event| event.contains(&format!("UID:{id}\r\n")));
        of.next().unwrap().to_owned()
    };
    assert_eq!(
        of(&before, &kept.id),
        of(&after, &kept.id).replace("END:VCALENDAR\r\n", "")
    );
    let (was, is) = (of(&before, &gone.id), of(&after, &gone.id));
    assert!(was.contains("SEQUENCE:1\r\n") && is.contains("SEQUENCE:2\r\n") && is.contains("STATUS:CANCELLED\r\n"));
    assert!(!after.contains(&never.id), "it was never granted");
    let day_after = hostel.in_days(7).format("%Y%m%d");
    assert!(of(&after, &kept.id).contains(&format!("DTEND;VALUE=DATE:{day_after}\r\n")));
}

#[tokio::test]
async fn the_file_corrects_a_leave_that_ended_before_its_days() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let leave = hostel.granted(&asha, 0, 5).await;
    depart(&hostel, &leave.id).await.unwrap();
    hostel.world.clock.advance(TimeDelta::days(2));
    come_back(&hostel, &leave.id).await.unwrap();
    assert!(calendar(&hostel, (1, 3), None).await.unwrap().entries.is_empty());
    let (_, later) = file(&hostel, (1, 3)).await;
    let tomorrow = hostel.in_days(1).format("%Y%m%d");
    assert!(later.contains(&format!("UID:{}\r\n", leave.id)), "{later}");
    assert!(later.contains(&format!("DTEND;VALUE=DATE:{tomorrow}\r\n")), "{later}");
    let (_, after) = file(&hostel, (4, 9)).await;
    assert!(!after.contains(&leave.id), "{after}");
}
