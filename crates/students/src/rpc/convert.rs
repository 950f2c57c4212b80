//! Messages of the contract to the domain's words and back. What does not parse is named, all of it at once.

use kit::{
    Fault,
    clock::timestamp,
    contact::{Email, PersonName, RegistrationNumber},
    fault::Fields,
    page::{Order, Paging},
};
use proto::students::{
    ListStudentsRequest, RegisterStudentRequest, Stay as StayMessage, Student as Message, UpdateStudentRequest,
};
use uuid::Uuid;

use crate::{
    domain::{
        Change, Private, Stay, Student, Term,
        student::{Address, Phone, WrongTerm, terms},
    },
    events,
    operations::{change::Wish, list::Query, register::NewStudent},
    store::student::list::{Filter, SortBy},
};

const LONGEST_PASSWORD: usize = 1024;
const LONGEST_SEARCH: usize = 100;
/// Each is a search of its own.
const MOST_TERMS: usize = 10;

/// What a request says of a room that it names, once it was looked for.
pub(crate) type NamedRoom = Result<Option<Uuid>, &'static str>;

/// An id in a field.
pub(super) fn id(field: &'static str, text: &str) -> Result<Uuid, Fault> {
    kit::id::parse(text).map_err(|expected| Fault::invalid(field, expected))
}

/// A student as answers show it.
pub(crate) fn student(student: &Student) -> Message {
    let private = &student.private;
    Message {
        id: student.id.to_string(),
        user_id: student.id.to_string(),
        registration_no: student.registration_no.as_str().to_owned(),
        name: student.name.as_str().to_owned(),
        email: student.email.as_str().to_owned(),
        phone: private
            .phone
            .as_ref()
            .map(|phone| phone.as_str().to_owned())
            .unwrap_or_default(),
        parent_phone: private
            .parent_phone
            .as_ref()
            .map(|phone| phone.as_str().to_owned())
            .unwrap_or_default(),
        address: private.address.as_ref().map(|address| address.as_str().to_owned()),
        year: student.term.year(),
        semester: student.term.semester(),
        room: student.room.as_ref().map(events::room),
        is_active: student.is_active(),
        created_at: Some(timestamp(student.created_at)),
        updated_at: Some(timestamp(student.updated_at)),
    }
}

/// A time that a student, who has this name today, lived in a room.
pub(crate) fn stay(name: &str, stay: &Stay) -> StayMessage {
    StayMessage {
        student_id: stay.student.to_string(),
        student_name: name.to_owned(),
        room: Some(events::room(&stay.room)),
        moved_in_at: Some(timestamp(stay.moved_in_at)),
        moved_out_at: stay.moved_out_at.map(timestamp),
    }
}

pub(crate) fn registration(request: &RegisterStudentRequest, room: NamedRoom) -> Result<NewStudent, Fault> {
    let mut fields = Fields::default();
    let email = fields.take("email", Email::parse(&request.email));
    let number = fields.take("registration_no", RegistrationNumber::parse(&request.registration_no));
    let name = fields.take("name", PersonName::parse(&request.name));
    let phone = fields.take("phone", Phone::parse(&request.phone));
    let parent_phone = fields.take("parent_phone", Phone::parse(&request.parent_phone));
    let address = fields.take(
        "address",
        Address::parse(request.address.as_deref().unwrap_or_default()),
    );
    let term = term(&mut fields, Term::new(request.year, request.semester));
    let room = fields.take("room_id", room);
    let password = fields.take("password", password(request.password.as_deref()));
    let (Some(email), Some(registration_no), Some(name), Some(term), true) =
        (email, number, name, term, fields.is_empty())
    else {
        return Err(fields.fault());
    };
    Ok(NewStudent {
        email,
        registration_no,
        name,
        private: Private {
            phone,
            parent_phone,
            address: address.flatten(),
        },
        term,
        room: room.flatten(),
        password: password.flatten(),
    })
}

/// `before` is the term of the student as they are, where it was looked for and found.
pub(crate) fn wish(
    request: &UpdateStudentRequest,
    before: Option<Term>,
    room: NamedRoom,
) -> Result<(Uuid, Wish), Fault> {
    let mut fields = Fields::default();
    let id = fields.take("id", kit::id::parse(&request.id));
    let change = Change {
        email: given(&mut fields, "email", request.email.as_deref(), Email::parse),
        registration_no: given(
            &mut fields,
            "registration_no",
            request.registration_no.as_deref(),
            RegistrationNumber::parse,
        ),
        name: given(&mut fields, "name", request.name.as_deref(), PersonName::parse),
        phone: given(&mut fields, "phone", request.phone.as_deref(), Phone::parse),
        parent_phone: given(
            &mut fields,
            "parent_phone",
            request.parent_phone.as_deref(),
            Phone::parse,
        ),
        address: given(&mut fields, "address", request.address.as_deref(), Address::parse),
        year: request.year,
        semester: request.semester,
        bring_back: request.is_active == Some(true),
    };
    let after = match (request.year, request.semester, before) {
        (Some(year), Some(semester), _) => Term::new(year, semester).map(Some),
        (year, semester, Some(before)) => before.changed(year, semester).map(Some),
        (year, semester, None) => WrongTerm::out_of_range(year, semester).map(|()| None),
    };
    term(&mut fields, after);
    let room = fields.take("room_id", room).flatten();
    let (Some(id), true) = (id, fields.is_empty()) else {
        return Err(fields.fault());
    };
    let deactivate = request.is_active == Some(false);
    Ok((
        id,
        Wish {
            change,
            deactivate,
            room,
        },
    ))
}

pub(crate) fn query(request: &ListStudentsRequest) -> Result<Query, Fault> {
    let mut fields = Fields::default();
    let sort_by = fields.take("sort_by", sort_by(request.sort_by.as_deref()));
    let room = fields.take("room_id", request.room_id.as_deref().map(kit::id::parse).transpose());
    let terms = fields.take("search", search(request.search.as_deref().unwrap_or_default()));
    let (Some(sort_by), Some(room), Some(terms)) = (sort_by, room, terms) else {
        return Err(fields.fault());
    };
    Ok(Query {
        sort: (sort_by, Order::parse(request.order.as_deref(), Order::Ascending)?),
        paging: Paging::new(request.page, request.limit)?,
        filter: Filter {
            block: block(request.block.as_deref()),
            year: request.year,
            semester: request.semester,
            is_active: request.is_active,
            room,
            terms,
        },
    })
}

/// Beginnings of words that a search asks for.
pub(crate) fn search(text: &str) -> Result<Vec<String>, &'static str> {
    if text.chars().count() > LONGEST_SEARCH {
        return Err("must be at most 100 characters");
    }
    let terms = terms(text);
    if terms.len() > MOST_TERMS {
        return Err("must be at most 10 words");
    }
    Ok(terms.into_iter().collect())
}

/// The block that a filter names, as blocks are compared.
pub(crate) fn block(name: Option<&str>) -> Option<String> {
    name.map(|name| name.trim().to_ascii_uppercase())
        .filter(|name| !name.is_empty())
}

fn sort_by(name: Option<&str>) -> Result<SortBy, &'static str> {
    match name {
        None | Some("name") => Ok(SortBy::Name),
        Some("registration_no") => Ok(SortBy::RegistrationNo),
        Some("created_at") => Ok(SortBy::CreatedAt),
        Some(_) => Err("must be one of: name, registration_no, created_at"),
    }
}

fn term<T>(fields: &mut Fields, term: Result<T, WrongTerm>) -> Option<T> {
    for (field, expected) in term.as_ref().err().into_iter().flat_map(|wrong| wrong.fields()) {
        fields.wrong(field, expected);
    }
    term.ok()
}

fn given<T>(
    fields: &mut Fields,
    field: &'static str,
    text: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, &'static str>,
) -> Option<T> {
    fields.take(field, text.map(parse).transpose()).flatten()
}

fn password(text: Option<&str>) -> Result<Option<String>, &'static str> {
    match text {
        Some(text) if text.len() > LONGEST_PASSWORD => Err("is too long"),
        Some(text) if text.contains('\0') => Err("must not contain a NUL character"),
        text => Ok(text.map(str::to_owned)),
    }
}
