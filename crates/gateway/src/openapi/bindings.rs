//! The HTTP bindings of all rpcs, by path and method; rpcs that a query parameter tells apart share one.

use kit::contract::{self, MethodOptions};
use prost_reflect::{DescriptorPool, FieldDescriptor, MessageDescriptor, MethodDescriptor};
use proto::{
    http::{HttpRule, http_rule::Pattern},
    options::{Access, Cookie},
};

use super::{
    schemas::{FILE_CHUNK, WEB_PAGE, is_page},
    words,
};

/// A path and method, and the rpcs behind it.
pub(super) struct Endpoint {
    /// `get`, as OpenAPI writes it.
    pub(super) verb: String,
    pub(super) path: String,
    /// At least one.
    pub(super) rpcs: Vec<Rpc>,
}

/// One binding of one rpc.
pub(super) struct Rpc {
    pub(super) method: MethodDescriptor,
    pub(super) options: MethodOptions,
    pub(super) body: Body,
    /// Unique in the document.
    pub(super) id: String,
    /// Name and value of the query parameter that chooses the rpc.
    pub(super) when: Option<(String, String)>,
}

/// What of the request message is the HTTP body.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Body {
    Nothing,
    Whole,
    Field(String),
}

/// The shape of an rpc outside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Unary,
    Events,
    Upload,
    Download,
    Page,
}

impl Endpoint {
    /// The rpc that answers when no parameter chooses another; else the first.
    pub(super) fn main(&self) -> &Rpc {
        let unconditional = self.rpcs.iter().find(|rpc| rpc.when.is_none());
        unconditional.unwrap_or(&self.rpcs[0])
    }

    /// Names of the path's parameters, in order.
    pub(super) fn path_parameters(&self) -> Vec<&str> {
        let segments = self.path.split('/');
        segments
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
            .collect()
    }
}

impl Rpc {
    pub(super) fn kind(&self) -> Kind {
        if self.method.is_client_streaming() {
            Kind::Upload
        } else if self.method.output().full_name() == WEB_PAGE {
            Kind::Page
        } else if !self.method.is_server_streaming() {
            Kind::Unary
        } else if self.method.output().full_name() == FILE_CHUNK {
            Kind::Download
        } else {
            Kind::Events
        }
    }

    pub(super) fn access(&self) -> Access {
        self.options.access.clone().unwrap_or_default()
    }

    /// The cookie of the contract here, if there is one.
    pub(super) fn cookie(&self) -> Option<&Cookie> {
        self.options.rest.cookie.as_ref()
    }

    /// The field that the cookie stands in for.
    pub(super) fn taken(&self) -> Option<&str> {
        self.cookie()
            .map(|cookie| cookie.takes.as_str())
            .filter(|field| !field.is_empty())
    }

    /// The rows of a list's answer: the message holds them, the page and nothing else.
    pub(super) fn rows(&self) -> Option<FieldDescriptor> {
        list_field(&self.method.output())
    }
}

fn list_field(message: &MessageDescriptor) -> Option<FieldDescriptor> {
    message.get_field_by_name("page").filter(is_page)?;
    let mut others = message.fields().filter(|field| field.name() != "page");
    let rows = others.next().filter(FieldDescriptor::is_list)?;
    others.next().is_none().then_some(rows)
}

/// All endpoints, in the order of the protos.
pub(super) fn endpoints(pool: &DescriptorPool) -> Vec<Endpoint> {
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for method in pool
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
    {
        let options = contract::method_options(&method);
        let Some(rule) = options.http.clone() else { continue };
        let bindings = std::iter::once(&rule).chain(&rule.additional_bindings);
        for (number, binding) in bindings.enumerate() {
            for (verb, path) in faces(binding) {
                let rpc = Rpc {
                    id: id(&method, verb, number),
                    method: method.clone(),
                    body: body(binding),
                    when: when(&options),
                    options: options.clone(),
                };
                place(&mut endpoints, verb, path, rpc);
            }
        }
    }
    endpoints
}

/// Two templates that differ only in the names of their parameters are the same path for OpenAPI too, but the gateway
/// refuses them already.
fn place(endpoints: &mut Vec<Endpoint>, verb: &str, path: &str, rpc: Rpc) {
    let known = endpoints
        .iter_mut()
        .find(|known| known.verb == verb && known.path == path);
    match known {
        Some(endpoint) => endpoint.rpcs.push(rpc),
        None => endpoints.push(Endpoint {
            verb: verb.to_owned(),
            path: path.to_owned(),
            rpcs: vec![rpc],
        }),
    }
}

/// Method and path; PATCH works wherever PUT does.
fn faces(binding: &HttpRule) -> Vec<(&'static str, &str)> {
    match &binding.pattern {
        Some(Pattern::Get(path)) => vec![("get", path)],
        Some(Pattern::Put(path)) => vec![("put", path), ("patch", path)],
        Some(Pattern::Post(path)) => vec![("post", path)],
        Some(Pattern::Delete(path)) => vec![("delete", path)],
        Some(Pattern::Patch(path)) => vec![("patch", path)],
        // The gateway refuses to start with anything else.
        Some(Pattern::Custom(_)) | None => vec![],
    }
}

fn body(binding: &HttpRule) -> Body {
    match binding.body.as_str() {
        "" => Body::Nothing,
        "*" => Body::Whole,
        field => Body::Field(field.to_owned()),
    }
}

fn when(options: &MethodOptions) -> Option<(String, String)> {
    let (name, value) = options.rest.when.split_once('=')?;
    Some((name.to_owned(), value.to_owned()))
}

/// `Users.UpdateUser`; its PATCH is `Users.UpdateUser.patch`, a second binding `Users.UpdateUser.2`.
fn id(method: &MethodDescriptor, verb: &str, number: usize) -> String {
    let mut id = format!("{}.{}", words::service(method), method.name());
    if number > 0 {
        id.extend([".", &(number + 1).to_string()]);
    }
    let put_too = contract::method_options(method).http.is_some_and(|rule| {
        let mut all = std::iter::once(&rule).chain(&rule.additional_bindings);
        all.any(|one| matches!(one.pattern, Some(Pattern::Put(_))))
    });
    if verb == "patch" && put_too {
        id.push_str(".patch");
    }
    id
}
