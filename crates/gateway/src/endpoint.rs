//! What each path answers to: rpcs by method and, where several share one, by a query parameter; pages of our own.

use std::sync::Arc;

use actix_web::http::{Method, header::HeaderMap};

use crate::{
    Config, Deps, Error,
    figures::Tally,
    input,
    refusal::Refusal,
    routes::{self, Route},
    system::{Page, RawPage},
    tree::Tree,
};

/// What one path answers to.
#[derive(Default)]
pub(crate) struct Endpoint {
    targets: Vec<(Method, Arc<Target>)>,
    allow: String,
}

/// One thing that a request can be for.
pub(crate) struct Target {
    pub(crate) serves: Serves,
    pub(crate) tally: Tally,
}

pub(crate) enum Serves {
    Rpc(Arc<Route>),
    Page(Page),
}

impl Target {
    fn when(&self) -> Option<&(String, String)> {
        match &self.serves {
            Serves::Rpc(route) => route.when.as_ref(),
            Serves::Page(_) => None,
        }
    }

    /// Whether the header `Accept` chooses it among those of its path.
    fn is_preferred(&self, headers: &HeaderMap, query: &input::Pairs) -> bool {
        match &self.serves {
            Serves::Rpc(route) => route.accept.as_ref().is_some_and(|rule| rule.chooses(headers, query)),
            Serves::Page(_) => false,
        }
    }

    /// Whether it is for people, who are told in HTML what goes wrong.
    pub(crate) fn is_page(&self) -> bool {
        matches!(&self.serves, Serves::Rpc(route) if route.kind.is_page())
    }
}

impl Endpoint {
    /// Adds a way to use the path. Two ways that no request can tell apart are refused, and so are two templates of one
    /// path that name its parameters differently: readers of the documentation could not tell them apart.
    pub(crate) fn add(&mut self, name: &str, method: Method, target: Target) -> Result<(), Error> {
        let mut templates = self.targets.iter().map(|(_, other)| other.tally.route());
        if let Some(other) = templates.find(|other| *other != target.tally.route()) {
            let template = target.tally.route();
            return Err(Error::rule(
                name,
                format!("names the parameters of {template} otherwise than {other}"),
            ));
        }
        let rival = self
            .targets
            .iter()
            .find(|(known, other)| *known == method && other.when() == target.when());
        if let Some((_, rival)) = rival {
            let other = match &rival.serves {
                Serves::Rpc(route) => route.name.as_str(),
                Serves::Page(_) => "the gateway itself",
            };
            return Err(Error::rule(name, format!("has the same method and path as {other}")));
        }
        self.targets.push((method, Arc::new(target)));
        // Those with a condition are asked first.
        self.targets.sort_by_key(|(_, target)| target.when().is_none());
        self.allow = self.names().join(", ");
        Ok(())
    }

    /// The methods that it answers to, as a header tells them.
    pub(crate) fn allow(&self) -> &str {
        &self.allow
    }

    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.targets.iter().map(|(method, _)| method.as_str()).collect();
        if names.contains(&"GET") {
            names.push("HEAD");
        }
        names.push("OPTIONS");
        names.sort_unstable();
        names.dedup();
        names
    }

    /// What a method, and where several rpcs share it a query parameter or the header `Accept`, is for.
    pub(crate) fn target(
        &self,
        method: &Method,
        query: &input::Pairs,
        headers: &HeaderMap,
    ) -> Result<&Arc<Target>, Refusal> {
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        let mut known = self.targets.iter().filter(|(known, _)| known == method).peekable();
        if known.peek().is_none() {
            return Err(Refusal::method_not_allowed(&self.allow));
        }
        let mut wanted = None;
        for (_, target) in known {
            match target.when() {
                Some(condition) if !query.contains(condition) && !target.is_preferred(headers, query) => {
                    wanted = Some(condition);
                }
                _ => return Ok(target),
            }
        }
        let (name, value) = wanted.map_or(("", ""), |(name, value)| (name, value));
        Err(Refusal::invalid(name, format!("must be {value}")))
    }
}

/// Reads every path that is served.
pub(crate) fn read(deps: &Deps, config: &Config) -> Result<Tree<Endpoint>, Error> {
    let mut tree = Tree::<Endpoint>::default();
    let mut pages: Vec<(String, String, Page)> = Page::standing()
        .into_iter()
        .map(|(path, page)| ("the gateway".to_owned(), path.to_owned(), page))
        .collect();
    for raw in &deps.raw {
        let page = RawPage::read(raw, &deps.pool, &deps.upstreams)?;
        pages.push((raw.rpc.clone(), raw.path.clone(), Page::Raw(Box::new(page))));
    }
    for file in &deps.files {
        pages.push(("the gateway".to_owned(), file.path.to_owned(), Page::File(*file)));
    }
    for (name, path, page) in pages {
        let target = Target {
            tally: Tally::new("GET", &path, false),
            serves: Serves::Page(page),
        };
        let endpoint = tree.place(&path).get_or_insert_default();
        endpoint.add(&name, Method::GET, target)?;
    }
    for route in routes::read(&deps.pool, &deps.upstreams, &config.limits.of)? {
        let endless = matches!(route.kind, routes::Kind::Stream { .. });
        for method in &route.methods {
            let tally = Tally::new(method.as_str(), &route.template, endless);
            let endpoint = tree.place(&route.template).get_or_insert_default();
            endpoint.add(
                &route.name,
                method.clone(),
                Target {
                    tally,
                    serves: Serves::Rpc(route.clone()),
                },
            )?;
        }
    }
    Ok(tree)
}
