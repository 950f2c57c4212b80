//! The compiled protos and our options on them, read once: what the gateway, the access layer and the events know of
//! the contract comes from here.

use std::sync::LazyLock;

use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage, ExtensionDescriptor, MessageDescriptor, MethodDescriptor};
use proto::{
    http::HttpRule,
    options::{Access, EventRule, FieldRule, Rest},
};

/// The contract of this installation.
static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    // The bytes were written by our own build; they cannot be malformed in a binary that compiled.
    DescriptorPool::decode(proto::DESCRIPTORS).expect("the embedded descriptors are valid")
});

/// Every message and service of the product.
pub fn pool() -> &'static DescriptorPool {
    &POOL
}

/// The descriptor of a generated message type.
///
/// # Panics
/// Never for types of the `proto` crate: they come from the same descriptors.
pub fn message<M: Name>() -> MessageDescriptor {
    POOL.get_message_by_name(&M::full_name())
        .expect("generated types are in the embedded descriptors")
}

/// What an rpc declares of itself.
#[derive(Clone, Debug)]
pub struct MethodOptions {
    pub http: Option<HttpRule>,
    pub access: Option<Access>,
    pub limits: Vec<String>,
    pub rest: Rest,
}

/// Reads the options of an rpc.
pub fn method_options(method: &MethodDescriptor) -> MethodOptions {
    let pool = method.parent_pool();
    let options = method.options();
    let limits = extension(pool, "hostelpulse.options.v1.limits").map_or_else(Vec::new, |limits| {
        let value = options.get_extension(&limits);
        let lines = value.as_list().unwrap_or_default();
        lines
            .iter()
            .filter_map(|line| line.as_str().map(str::to_owned))
            .collect()
    });
    MethodOptions {
        http: read(&options, extension(pool, "google.api.http")),
        access: read(&options, extension(pool, "hostelpulse.options.v1.access")),
        limits,
        rest: read(&options, extension(pool, "hostelpulse.options.v1.rest")).unwrap_or_default(),
    }
}

/// What a field declares of its values; the default says nothing.
pub fn field_rule(field: &prost_reflect::FieldDescriptor) -> FieldRule {
    read(
        &field.options(),
        extension(field.parent_pool(), "hostelpulse.options.v1.field"),
    )
    .unwrap_or_default()
}

/// Whether the service checks the field rules of a request itself.
pub fn is_checked_by_service(message: &MessageDescriptor) -> bool {
    let flag = extension(message.parent_pool(), "hostelpulse.options.v1.checked_by_service");
    flag.is_some_and(|flag| message.options().get_extension(&flag).as_bool() == Some(true))
}

/// The type under which a message goes out as an event, `None` for a message that is no event.
pub fn event_type(message: &MessageDescriptor) -> Option<String> {
    let rule: EventRule = read(
        &message.options(),
        extension(message.parent_pool(), "hostelpulse.options.v1.event"),
    )?;
    Some(rule.r#type)
}

/// The name of the field that says in JSON which message the one `oneof` of a message holds; `None` for a message that is
/// written as it is.
pub fn tagged_by(message: &MessageDescriptor) -> Option<String> {
    let extension = extension(message.parent_pool(), "hostelpulse.options.v1.tagged_by")?;
    let options = message.options();
    if !options.has_extension(&extension) {
        return None;
    }
    options.get_extension(&extension).as_str().map(str::to_owned)
}

/// The path under which an rpc is called, `/hostelpulse.auth.v1.Auth/Login`.
pub fn grpc_path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

/// The service crate that owns an rpc: the third part of its package, `auth` of `hostelpulse.auth.v1`.
pub fn owner(method: &MethodDescriptor) -> Option<String> {
    method
        .parent_service()
        .package_name()
        .split('.')
        .nth(1)
        .map(str::to_owned)
}

/// The comment before a definition in its proto file, as one text; empty where there is none.
pub fn comment(file: &prost_reflect::FileDescriptor, path: &[i32]) -> String {
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let location = info.and_then(|info| info.location.iter().find(|location| location.path == path));
    location.map_or_else(String::new, |location| {
        let lines = location
            .leading_comments()
            .lines()
            .map(|line| line.strip_prefix(' ').unwrap_or(line));
        lines.collect::<Vec<_>>().join("\n").trim().to_owned()
    })
}

fn extension(pool: &DescriptorPool, name: &str) -> Option<ExtensionDescriptor> {
    pool.get_extension_by_name(name)
}

fn read<M: Message + Default>(options: &DynamicMessage, extension: Option<ExtensionDescriptor>) -> Option<M> {
    let extension = extension?;
    if !options.has_extension(&extension) {
        return None;
    }
    options.get_extension(&extension).as_message()?.transcode_to().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_a_method_are_read_whole() {
        let service = pool().get_service_by_name("hostelpulse.auth.v1.Auth").unwrap();
        let login = service.methods().find(|method| method.name() == "Login").unwrap();
        let options = method_options(&login);
        assert!(options.access.unwrap().public);
        assert_eq!(options.limits.len(), 3);
        assert_eq!(options.rest.message, "Signed in");
        assert_eq!(grpc_path(&login), "/hostelpulse.auth.v1.Auth/Login");
        assert_eq!(owner(&login).as_deref(), Some("auth"));
        let comment = comment(&login.parent_file(), login.path());
        assert!(comment.starts_with("Sign in with an e-mail address"), "{comment}");
    }

    #[test]
    fn some_requests_are_checked_by_their_service() {
        assert!(is_checked_by_service(
            &message::<proto::students::RegisterStudentRequest>()
        ));
        assert!(!is_checked_by_service(&message::<proto::auth::LoginRequest>()));
    }

    #[test]
    fn an_event_knows_its_type() {
        let created = message::<proto::auth::UserCreated>();
        assert_eq!(event_type(&created).as_deref(), Some("hostelpulse.user.created.v1"));
        assert_eq!(event_type(&message::<proto::auth::User>()), None);
    }
}
