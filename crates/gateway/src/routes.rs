//! The contract as routes: each HTTP binding of each rpc, read and checked once. What does not fit refuses to start.

use std::{collections::BTreeMap, sync::Arc};

use actix_web::http::Method;
use http::uri::PathAndQuery;
use kit::{
    access::MethodPolicy,
    contract::{self, MethodOptions},
    json::Shape,
    upstream::Upstreams,
};
use prost_reflect::{DescriptorPool, Kind as FieldKind, MessageDescriptor, MethodDescriptor};
use proto::{
    http::{HttpRule, http_rule::Pattern},
    options::FormField,
};

use crate::{
    Error, accept,
    call::Rpc,
    cookie,
    envelope::{Success, message_part},
    form,
    limits::Limit,
    tree,
};

const FILE_CHUNK: &str = "hostelpulse.types.v1.FileChunk";
const WEB_PAGE: &str = "hostelpulse.types.v1.WebPage";
const PAGE: &str = "hostelpulse.types.v1.Page";

/// One binding of an rpc.
pub(crate) struct Route {
    /// The full name of the rpc, for people.
    pub(crate) name: String,
    pub(crate) methods: Vec<Method>,
    pub(crate) template: String,
    /// Names of the path's parameters, in order.
    pub(crate) parameters: Vec<String>,
    /// Serves only requests with this query parameter.
    pub(crate) when: Option<(String, String)>,
    pub(crate) rpc: Rpc,
    pub(crate) policy: MethodPolicy,
    /// Limits of its own; empty for the general budgets.
    pub(crate) limits: Vec<Limit>,
    /// The answer is 201.
    pub(crate) creates: bool,
    /// `Idempotency-Key` is passed on.
    pub(crate) is_keyed: bool,
    /// What a browser's cookie does here.
    pub(crate) cookie: Option<cookie::Rule>,
    /// What the header `Accept` chooses here.
    pub(crate) accept: Option<accept::Rule>,
    pub(crate) kind: Kind,
}

/// The shape of an rpc, and what is needed to serve it.
pub(crate) enum Kind {
    Unary {
        request: Input,
        success: Success,
    },
    Stream {
        request: Input,
        message: Shape,
    },
    Upload {
        form: Vec<FormField>,
        success: Success,
    },
    Download {
        request: Input,
        media_type: String,
    },
    /// For a person's browser.
    Page {
        request: Input,
    },
}

impl Kind {
    /// What goes wrong is said to a person, too.
    pub(crate) fn is_page(&self) -> bool {
        matches!(self, Self::Page { .. })
    }
}

/// How path, query and body become the request message.
pub(crate) struct Input {
    pub(crate) shape: Shape,
    pub(crate) body: Body,
}

/// What of the request message comes from the HTTP body.
pub(crate) enum Body {
    Nothing,
    /// All that the path does not give.
    Whole,
    Field(String),
}

/// Reads the bindings of every rpc, with the limits that this installation gives some of them.
pub(crate) fn read(
    pool: &DescriptorPool,
    upstreams: &Upstreams,
    limits_of: &BTreeMap<String, Vec<String>>,
) -> Result<Vec<Arc<Route>>, Error> {
    let mut routes: Vec<Arc<Route>> = Vec::new();
    for method in pool
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
    {
        let name = method.full_name();
        // Also for rpcs without a path: their service enforces the rule, here it only must make sense.
        let policy = MethodPolicy::read(&method).map_err(|error| Error::rule(&error.rpc, error.why))?;
        let options = contract::method_options(&method);
        let Some(rule) = &options.http else {
            continue;
        };
        let service = contract::owner(&method).ok_or_else(|| Error::rule(name, "its package names no service"))?;
        let streams = method.is_client_streaming() || method.is_server_streaming();
        let channel = if streams {
            upstreams.channel_for_streams(&service)
        } else {
            upstreams.channel(&service)
        };
        let channel =
            channel.ok_or_else(|| Error::rule(name, format!("no way to the service {service} is configured")))?;
        for binding in std::iter::once(rule).chain(&rule.additional_bindings) {
            let reader = Reader {
                method: &method,
                options: &options,
                policy: &policy,
                limits: limits_of.get(name).unwrap_or(&options.limits),
            };
            let route = reader
                .route(binding, channel.clone())
                .map_err(|why| Error::rule(name, why))?;
            routes.push(Arc::new(route));
        }
    }
    match limits_of
        .keys()
        .find(|name| routes.iter().all(|route| route.name != **name))
    {
        Some(unknown) => Err(Error::rule(
            unknown,
            "limits.of names it, but no rpc with a path is called so",
        )),
        None => Ok(routes),
    }
}

/// Reads one rpc; refusals say what does not fit.
struct Reader<'a> {
    method: &'a MethodDescriptor,
    options: &'a MethodOptions,
    policy: &'a MethodPolicy,
    /// Its own, or those of this installation.
    limits: &'a [String],
}

impl Reader<'_> {
    fn route(&self, binding: &HttpRule, channel: kit::upstream::Channel) -> Result<Route, String> {
        let policy = self.policy;
        if !policy.public && !policy.authenticated && policy.roles.is_empty() {
            return Err("only services may call it, so it can have no path".to_owned());
        }
        if !binding.response_body.is_empty() {
            return Err("response_body is not supported".to_owned());
        }
        let (method, template) = pattern(binding)?;
        let parameters = self.parameters(&template)?;
        let kind = self.kind(&method, binding, &parameters)?;
        let cookie = self.options.rest.cookie.as_ref();
        let cookie = cookie.map(|rule| cookie::Rule::read(self.method, &binding.body, &parameters, rule));
        let accept = self.accept(&kind, &parameters)?;
        let path = contract::grpc_path(self.method);
        let rpc = Rpc {
            channel,
            path: PathAndQuery::try_from(path.as_str()).map_err(|error| format!("{path} is no path: {error}"))?,
        };
        Ok(Route {
            name: self.method.full_name().to_owned(),
            methods: methods(method),
            template,
            limits: self.limits(&kind)?,
            parameters,
            when: self.when()?,
            rpc,
            policy: policy.clone(),
            creates: self.options.rest.creates,
            is_keyed: self.options.rest.creates || self.options.rest.keyed,
            cookie: cookie.transpose()?,
            accept,
            kind,
        })
    }

    /// Every parameter must be a plain field of the request; an upload carries them beside its file.
    fn parameters(&self, template: &str) -> Result<Vec<String>, String> {
        let mut names: Vec<String> = Vec::new();
        for segment in tree::segments(template) {
            let Some(name) = tree::parameter_name(segment) else {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
                if segment.is_empty() || !segment.bytes().all(plain) {
                    return Err(format!("the path {template} has the segment {segment:?}"));
                }
                continue;
            };
            if !self.is_upload() && !is_plain_field(&self.method.input(), name) {
                return Err(format!("the path parameter {name:?} is no plain field of the request"));
            }
            if names.iter().any(|known| known == name) {
                return Err(format!("the path parameter {name:?} stands twice in {template}"));
            }
            names.push(name.to_owned());
        }
        Ok(names)
    }

    fn kind(&self, method: &Method, binding: &HttpRule, parameters: &[String]) -> Result<Kind, String> {
        let output = self.method.output();
        let file_out = output.full_name() == FILE_CHUNK;
        let creates = self.options.rest.creates;
        match (self.method.is_client_streaming(), self.method.is_server_streaming()) {
            (true, false) if self.is_upload() => {
                self.upload_fits(method, binding, parameters)?;
                let form = self.options.rest.form.clone();
                Ok(Kind::Upload {
                    form,
                    success: self.success()?,
                })
            }
            (true, _) => Err("a stream from the client has no face but an upload of FileChunk".to_owned()),
            (false, _) if !self.options.rest.form.is_empty() => Err("only an upload has a form".to_owned()),
            (false, true) if creates => Err("a stream cannot be a creation".to_owned()),
            (false, true) if file_out => {
                let media_type = match self.options.rest.media_type.as_str() {
                    "" => "application/octet-stream",
                    declared => declared,
                };
                let request = self.input(method, binding, parameters)?;
                Ok(Kind::Download {
                    request,
                    media_type: media_type.to_owned(),
                })
            }
            (false, true) if *method == Method::GET => Ok(Kind::Stream {
                request: self.input(method, binding, parameters)?,
                message: shape(&output)?,
            }),
            (false, true) => Err("a stream to the client must be a GET".to_owned()),
            (false, false) if file_out || self.is_upload() => Err("FileChunk is only for streams".to_owned()),
            (false, false) if creates && *method != Method::POST => Err("a creation must be a POST".to_owned()),
            (false, false) if output.full_name() == WEB_PAGE => self.page(method, binding, parameters),
            (false, false) => Ok(Kind::Unary {
                request: self.input(method, binding, parameters)?,
                success: self.success()?,
            }),
        }
    }

    /// A browser opens a page by GET and sends the forms in it by POST.
    fn page(&self, method: &Method, binding: &HttpRule, parameters: &[String]) -> Result<Kind, String> {
        let rest = &self.options.rest;
        if rest.creates || rest.keyed || rest.cookie.is_some() || !rest.message.is_empty() {
            return Err("a page creates nothing, and has no cookie and no message".to_owned());
        }
        let request = self.input(method, binding, parameters)?;
        match request.body {
            Body::Nothing if *method == Method::GET => Ok(Kind::Page { request }),
            Body::Whole if *method == Method::POST => Ok(Kind::Page { request }),
            _ => Err("a page must be a GET, or a POST with the body \"*\"".to_owned()),
        }
    }

    fn upload_fits(&self, method: &Method, binding: &HttpRule, parameters: &[String]) -> Result<(), String> {
        if *method == Method::GET || *method == Method::DELETE || binding.body != "*" {
            return Err("an upload must be a POST or PUT with the body \"*\"".to_owned());
        }
        let when = self.when()?;
        let when = when.as_ref().map(|(name, _)| name.as_str());
        form::check(&self.options.rest.form, parameters, when)
    }

    fn input(&self, method: &Method, binding: &HttpRule, parameters: &[String]) -> Result<Input, String> {
        let request = self.method.input();
        let bodiless = *method == Method::GET || *method == Method::DELETE;
        let body = match binding.body.as_str() {
            "" => Body::Nothing,
            _ if bodiless => return Err(format!("a {method} has no body")),
            "*" => Body::Whole,
            field if request.get_field_by_name(field).is_none() => {
                return Err(format!("the body {field:?} is no field of the request"));
            }
            field if parameters.iter().any(|name| name == field) => {
                return Err(format!("the body {field:?} is also a path parameter"));
            }
            field => Body::Field(field.to_owned()),
        };
        Ok(Input {
            shape: shape(&request)?,
            body,
        })
    }

    fn success(&self) -> Result<Success, String> {
        let output = self.method.output();
        Ok(Success {
            list: list_field(&output),
            shape: shape(&output)?,
            message: message_part(&self.options.rest.message),
        })
    }

    fn limits(&self, kind: &Kind) -> Result<Vec<Limit>, String> {
        let request = match kind {
            Kind::Unary { request, .. }
            | Kind::Stream { request, .. }
            | Kind::Download { request, .. }
            | Kind::Page { request } => Some(request.shape.descriptor()),
            Kind::Upload { .. } => None,
        };
        let has_field = |name: &str| request.is_some_and(|request| is_plain_field(request, name));
        let mut limits = Vec::with_capacity(self.limits.len());
        for line in self.limits {
            let limit = Limit::read(self.method.full_name(), line, has_field)?;
            if limit.needs_user() && self.policy.public {
                return Err(format!("the limit {line:?} counts by user, but anybody may call"));
            }
            limits.push(limit);
        }
        Ok(limits)
    }

    fn accept(&self, kind: &Kind, parameters: &[String]) -> Result<Option<accept::Rule>, String> {
        let Some(accept) = &self.options.rest.accept else {
            return Ok(None);
        };
        match kind {
            Kind::Download { request, .. } if matches!(request.body, Body::Nothing) => {
                accept::Rule::read(self.method, parameters, self.when()?.as_ref(), accept).map(Some)
            }
            _ => Err("`accept` is only for downloads without a body".to_owned()),
        }
    }

    fn when(&self) -> Result<Option<(String, String)>, String> {
        let when = &self.options.rest.when;
        if when.is_empty() {
            return Ok(None);
        }
        match when.split_once('=') {
            Some((name, value)) if !name.is_empty() && !value.is_empty() => {
                Ok(Some((name.to_owned(), value.to_owned())))
            }
            _ => Err(format!("`when` must look like `format=csv`, it is {when:?}")),
        }
    }

    fn is_upload(&self) -> bool {
        self.method.input().full_name() == FILE_CHUNK
    }
}

fn pattern(binding: &HttpRule) -> Result<(Method, String), String> {
    let (method, path) = match &binding.pattern {
        Some(Pattern::Get(path)) => (Method::GET, path),
        Some(Pattern::Put(path)) => (Method::PUT, path),
        Some(Pattern::Post(path)) => (Method::POST, path),
        Some(Pattern::Delete(path)) => (Method::DELETE, path),
        Some(Pattern::Patch(path)) => (Method::PATCH, path),
        Some(Pattern::Custom(custom)) => return Err(format!("the method {:?} is not supported", custom.kind)),
        None => return Err("its binding has no path".to_owned()),
    };
    if path.starts_with('/') {
        Ok((method, path.clone()))
    } else {
        Err(format!("the path {path:?} must begin with /"))
    }
}

/// PATCH works wherever PUT does: fields that are left out stay as they are in both.
fn methods(method: Method) -> Vec<Method> {
    if method == Method::PUT {
        vec![Method::PUT, Method::PATCH]
    } else {
        vec![method]
    }
}

fn shape(message: &MessageDescriptor) -> Result<Shape, String> {
    Shape::of(message).map_err(|error| error.to_string())
}

/// A field with one value that fits into a line of text.
fn is_plain_field(message: &MessageDescriptor, name: &str) -> bool {
    let Some(field) = message.get_field_by_name(name) else {
        return false;
    };
    !field.is_list() && !field.is_map() && !matches!(field.kind(), FieldKind::Message(_) | FieldKind::Bytes)
}

/// The rows of a list's answer: the message holds them, the page and nothing else.
fn list_field(message: &MessageDescriptor) -> Option<String> {
    let page = message.get_field_by_name("page")?;
    let is_page = matches!(page.kind(), FieldKind::Message(kind) if kind.full_name() == PAGE) && !page.is_list();
    let mut others = message.fields().filter(|field| field.name() != "page");
    let rows = others.next().filter(|field| field.is_list() && !field.is_map())?;
    (is_page && others.next().is_none()).then(|| rows.name().to_owned())
}
