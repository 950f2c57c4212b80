//! Students as a file, and the same file read again.

use proto::{
    options::Role,
    students::{DownloadStudentsRequest, UpdateStudentRequest},
    types::{FileHeader, file_chunk::Part},
};
use tokio_stream::StreamExt as _;
use tonic::Code;

use crate::{
    hostel::{Hostel, code, told, wrong_fields},
    import::{counts, file, row, row_in},
};

/// As an import may have to tell them apart.
const ROOMS: [(&str, &str); 4] = [("A", "A-101"), ("A", "102"), ("B", "102"), ("North-2", "7")];

fn all() -> DownloadStudentsRequest {
    DownloadStudentsRequest {
        format: "csv".to_owned(),
        ..DownloadStudentsRequest::default()
    }
}

impl Hostel {
    async fn download(&self, request: DownloadStudentsRequest) -> (FileHeader, String) {
        let mut pieces = told(self.students().download_students(self.warden(request)).await).unwrap();
        let (mut header, mut bytes) = (None, Vec::new());
        while let Some(piece) = pieces.next().await {
            match piece.unwrap().part.unwrap() {
                Part::Header(first) => assert!(header.replace(first).is_none()),
                Part::Data(data) => bytes.extend(data),
                Part::End(_) => {}
            }
        }
        (header.unwrap(), String::from_utf8(bytes).unwrap())
    }

    /// The registration numbers of a file.
    async fn numbers(&self, request: DownloadStudentsRequest) -> Vec<String> {
        let (_, text) = self.download(request).await;
        let number = |line: &str| line.split(',').nth(1).unwrap().to_owned();
        text.lines().skip(1).map(number).collect()
    }
}

#[tokio::test]
async fn what_is_written_is_read_back_the_same() {
    let hostel = Hostel::open().await;
    for (block, number) in ROOMS {
        hostel.room(block, number, 1000).await;
    }
    let rooms = ["", "A-101", "A-102", "B-102", "North-2-7"];
    let mut rows: Vec<String> = (1..=1201)
        .map(|number| row_in(number, rooms[number as usize % 5]))
        .collect();
    rows[0] = row(1).replace("\"12 Lake Road, Pune\"", "\"=1+1, \"\"quoted\"\",\nsecond line\"");
    rows[1] = row(2).replace("Some Body 2", "'=प्रिया 'शर्मा").replace(",1,1,", ",4,8,");
    rows[2] = row(3).replace("\"12 Lake Road, Pune\"", "");
    rows[3] = row(4).replace("\"12 Lake Road, Pune\"", "'=not a formula");
    let report = hostel.import(file(&rows)).await;
    assert_eq!(counts(&report), (1201, 0, 0));
    let (header, text) = hostel.download(all()).await;
    assert_eq!(
        (header.file_name.as_str(), header.content_type.as_str()),
        ("students.csv", "text/csv; charset=utf-8")
    );
    assert!(text.starts_with("email,registration_no,name,phone,parent_phone,address,year,semester,room\n"));
    assert!(!text.contains(",=") && !text.contains(",\"="), "no cell is a formula");
    assert_eq!(
        counts(&hostel.import(&text).await),
        (0, 1201, 0),
        "it is how they are registered"
    );

    let empty = Hostel::open().await;
    for (block, number) in ROOMS {
        empty.room(block, number, 1000).await;
    }
    assert_eq!(counts(&empty.import(&text).await), (1201, 0, 0));
    let (_, again) = empty.download(all()).await;
    assert!(again == text, "what is read back is written the same");
}

#[tokio::test]
async fn the_filters_of_the_list() {
    let hostel = Hostel::open().await;
    let room = hostel.room("A", "A-101", 10).await;
    hostel.room("B", "B-101", 10).await;
    let second_year = row_in(3, "B-101").replace(",1,1,", ",2,4,");
    let rows = [row(5), row_in(2, "A-101"), second_year, row_in(4, "A-101")];
    let report = hostel.import(file(&rows)).await;
    let gone = report.rows[3].student_id.clone().unwrap();
    let change = UpdateStudentRequest {
        id: gone,
        is_active: Some(false),
        ..UpdateStudentRequest::default()
    };
    hostel.update(change).await.unwrap();
    let asked = async |change: &dyn Fn(&mut DownloadStudentsRequest)| {
        let mut request = all();
        change(&mut request);
        hostel.numbers(request).await
    };
    assert_eq!(asked(&|_| {}).await, ["REG-002", "REG-003", "REG-004", "REG-005"]);
    assert_eq!(
        asked(&|request| request.block = Some("a".to_owned())).await,
        ["REG-002"]
    );
    assert_eq!(
        asked(&|request| request.room_id = Some(room.clone())).await,
        ["REG-002"]
    );
    assert_eq!(asked(&|request| request.year = Some(2)).await, ["REG-003"]);
    assert_eq!(asked(&|request| request.semester = Some(4)).await, ["REG-003"]);
    assert_eq!(asked(&|request| request.is_active = Some(false)).await, ["REG-004"]);
    assert_eq!(
        asked(&|request| request.search = Some("reg-005".to_owned())).await,
        ["REG-005"]
    );
    assert_eq!(
        asked(&|request| request.search = Some("%".to_owned())).await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn wrong_wishes_and_wrong_people() {
    let hostel = Hostel::open().await;
    let request = DownloadStudentsRequest {
        format: "xlsx".to_owned(),
        room_id: Some("here".to_owned()),
        search: Some("x".repeat(101)),
        ..DownloadStudentsRequest::default()
    };
    let refused = told(
        hostel
            .students()
            .download_students(hostel.warden(request))
            .await
            .map(|answer| answer.map(|_| ())),
    );
    assert_eq!(wrong_fields(refused), ["format", "room_id", "search"]);
    for role in [Role::Student, Role::Guard, Role::Staff, Role::Teacher] {
        let answer = hostel.students().download_students(hostel.world.by(role, all())).await;
        let refused = code(told(answer.map(|answer| answer.map(|_| ()))));
        assert_eq!(refused, (Code::PermissionDenied, "FORBIDDEN".to_owned()), "{role:?}");
    }
}
