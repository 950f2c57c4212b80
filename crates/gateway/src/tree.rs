//! How a path finds its route: a tree over the segments of the templates.
//!
//! A literal segment wins over a parameter, whatever the order of the templates (`/rooms/free` over `/rooms/{id}`), and a
//! look-up costs one hash a segment however many routes there are. Segments are compared as they came over the wire, so a
//! parameter is percent-decoded exactly once, by whoever reads it.

use std::collections::HashMap;

/// Values found by templates such as `/rooms/{id}`.
pub(crate) struct Tree<T> {
    root: Node<T>,
}

struct Node<T> {
    literals: HashMap<Box<str>, Node<T>>,
    parameter: Option<Box<Node<T>>>,
    value: Option<T>,
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self {
            literals: HashMap::new(),
            parameter: None,
            value: None,
        }
    }
}

impl<T> Default for Tree<T> {
    fn default() -> Self {
        Self { root: Node::default() }
    }
}

impl<T> Tree<T> {
    /// The place of a template. Templates that differ only in the names of their parameters share one.
    pub(crate) fn place(&mut self, template: &str) -> &mut Option<T> {
        let mut node = &mut self.root;
        for segment in segments(template) {
            node = if parameter_name(segment).is_some() {
                node.parameter.get_or_insert_default()
            } else {
                node.literals.entry(segment.into()).or_default()
            };
        }
        &mut node.value
    }

    /// The value for a path. The text of each parameter is added to `parameters`, in order.
    pub(crate) fn find<'path>(&self, path: &'path str, parameters: &mut Vec<&'path str>) -> Option<&T> {
        self.root.find(path.strip_prefix('/')?, parameters)
    }
}

impl<T> Node<T> {
    /// Goes no deeper than the longest template.
    fn find<'path>(&self, rest: &'path str, parameters: &mut Vec<&'path str>) -> Option<&T> {
        let (segment, rest) = match rest.split_once('/') {
            Some((segment, rest)) => (segment, Some(rest)),
            None => (rest, None),
        };
        if let Some(node) = self.literals.get(segment)
            && let Some(value) = node.end_or_deeper(rest, parameters)
        {
            return Some(value);
        }
        let node = self.parameter.as_ref().filter(|_| !segment.is_empty())?;
        let before = parameters.len();
        parameters.push(segment);
        let found = node.end_or_deeper(rest, parameters);
        if found.is_none() {
            parameters.truncate(before);
        }
        found
    }

    fn end_or_deeper<'path>(&self, rest: Option<&'path str>, parameters: &mut Vec<&'path str>) -> Option<&T> {
        match rest {
            Some(rest) => self.find(rest, parameters),
            None => self.value.as_ref(),
        }
    }
}

/// The name of a parameter segment: `id` of `{id}`.
pub(crate) fn parameter_name(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// The segments of a template.
pub(crate) fn segments(template: &str) -> impl Iterator<Item = &str> {
    template.strip_prefix('/').unwrap_or(template).split('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_win_and_parameters_are_told_in_order() {
        let mut tree = Tree::default();
        for template in ["/a/{id}", "/a/free", "/a/{id}/b/{other}", "/a/free/c", "/"] {
            *tree.place(template) = Some(template);
        }
        let find = |path| {
            let mut parameters = Vec::new();
            tree.find(path, &mut parameters).map(|found| (*found, parameters))
        };
        assert_eq!(find("/a/7"), Some(("/a/{id}", vec!["7"])));
        assert_eq!(find("/a/free"), Some(("/a/free", vec![])));
        // The literal leads nowhere here, so the parameter is tried.
        assert_eq!(find("/a/free/b/2"), Some(("/a/{id}/b/{other}", vec!["free", "2"])));
        assert_eq!(find("/"), Some(("/", vec![])));
        for nothing in ["/a", "/a/", "/a/7/", "/a/7/b", "", "a/7", "//a/7", "/a/7/b/2/"] {
            assert_eq!(find(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn names_of_parameters_do_not_make_another_place() {
        let mut tree = Tree::default();
        *tree.place("/a/{id}") = Some(1);
        assert_eq!(*tree.place("/a/{user_id}"), Some(1));
    }
}
