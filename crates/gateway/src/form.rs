//! The fields beside an upload's file: of the path, of the query and of the form, all held to what the contract declares.

use std::collections::HashMap;

use kit::fault::Violation;
use proto::options::FormField;

use crate::{input::Pairs, refusal::Refusal};

/// Longest value of a field.
pub(crate) const LONGEST_VALUE: usize = 4096;
const IN_QUERY: &str = "must be given in the query";

/// Refuses a declaration that does not fit. `when` is the query parameter that chooses among the rpcs of a path.
pub(crate) fn check(declared: &[FormField], path: &[String], when: Option<&str>) -> Result<(), String> {
    for (index, field) in declared.iter().enumerate() {
        let name = &field.name;
        let twice = declared[..index].iter().any(|other| other.name == *name);
        if name.is_empty() || name == "file" || twice || path.contains(name) {
            return Err(format!("the form's field {name:?} has no name of its own"));
        }
        if field.in_query && when == Some(name) {
            return Err(format!("the form's field {name:?} is what chooses the rpc"));
        }
    }
    Ok(())
}

/// What came so far.
pub(crate) struct Fields<'a> {
    declared: &'a [FormField],
    values: HashMap<String, String>,
}

impl<'a> Fields<'a> {
    /// Those that are known before the body: all of the path's and the query's.
    pub(crate) fn before_the_body(
        declared: &'a [FormField],
        path: Pairs,
        query: &Pairs,
        when: Option<&str>,
    ) -> Result<Self, Refusal> {
        let values = path.into_iter().collect();
        let mut fields = Self { declared, values };
        let mut wrong = Vec::new();
        for (name, value) in query.iter().filter(|(name, _)| when != Some(name)) {
            if let Err(why) = fields.keep_of_query(name, value) {
                wrong.push(Violation::new(name, why));
            }
        }
        if wrong.is_empty() {
            Ok(fields)
        } else {
            Err(Refusal::validation(wrong))
        }
    }

    /// Why a field of this name has no place in the form, before its value is read.
    pub(crate) fn belongs_in_form(&self, name: &str) -> Result<(), String> {
        match self.find(name) {
            Some(field) if field.in_query => Err(IN_QUERY.to_owned()),
            Some(_) => Ok(()),
            None if name == "file" => Err("must stand once".to_owned()),
            None => Err("is not known".to_owned()),
        }
    }

    /// Keeps a field of the form.
    pub(crate) fn keep_of_form(&mut self, name: &str, value: String) -> Result<(), String> {
        self.belongs_in_form(name)?;
        self.keep(name, value)
    }

    fn keep_of_query(&mut self, name: &str, value: &str) -> Result<(), String> {
        match self.find(name) {
            Some(field) if field.in_query => {}
            Some(_) => return Err("must be given in the form".to_owned()),
            None => return Err("is not known".to_owned()),
        }
        if value.len() > LONGEST_VALUE {
            return Err(too_long());
        }
        self.keep(name, value.to_owned())
    }

    fn keep(&mut self, name: &str, value: String) -> Result<(), String> {
        if value.contains(char::is_control) {
            return Err("must not hold control characters".to_owned());
        }
        if let Some(field) = self.find(name)
            && !field.one_of.is_empty()
            && !field.one_of.contains(&value)
        {
            return Err(format!("must be one of {}", field.one_of.join(", ")));
        }
        match self.values.insert(name.to_owned(), value) {
            None => Ok(()),
            Some(_) => Err("must stand once".to_owned()),
        }
    }

    /// All of them, if none is missing.
    pub(crate) fn complete(&mut self) -> Result<HashMap<String, String>, Refusal> {
        let needed = self.declared.iter().filter(|field| field.required);
        let missing = needed.filter(|field| self.values.get(&field.name).is_none_or(String::is_empty));
        let violations: Vec<Violation> = missing
            .map(|field| {
                let why = if field.in_query {
                    "is needed, in the query"
                } else {
                    "is needed, and must stand before a large file"
                };
                Violation::new(&field.name, why)
            })
            .collect();
        if violations.is_empty() {
            Ok(std::mem::take(&mut self.values))
        } else {
            Err(Refusal::validation(violations))
        }
    }

    fn find(&self, name: &str) -> Option<&'a FormField> {
        self.declared.iter().find(|field| field.name == name)
    }
}

pub(crate) fn too_long() -> String {
    format!("must be at most {LONGEST_VALUE} bytes")
}
