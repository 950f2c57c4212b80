//! Our options and HTTP paths, read from the descriptors.

use prost::Message;
use prost_reflect::{
    DescriptorPool, DynamicMessage, EnumDescriptor, FieldDescriptor, MessageDescriptor, MethodDescriptor,
    ServiceDescriptor,
};
use proto::{
    http::{HttpRule, http_rule::Pattern},
    options::{Access, EventRule, FieldRule, Rest},
};

pub(crate) fn messages(pool: &DescriptorPool) -> impl Iterator<Item = MessageDescriptor> {
    pool.all_messages()
        .filter(|message| is_ours(message.package_name()) && !message.is_map_entry())
}

pub(crate) fn enums(pool: &DescriptorPool) -> impl Iterator<Item = EnumDescriptor> {
    pool.all_enums().filter(|one| is_ours(one.package_name()))
}

pub(crate) fn services(pool: &DescriptorPool) -> impl Iterator<Item = ServiceDescriptor> {
    pool.services().filter(|service| is_ours(service.package_name()))
}

pub(crate) fn is_ours(package: &str) -> bool {
    package.starts_with("hostelpulse.")
}

pub(crate) fn access(method: &MethodDescriptor) -> Option<Access> {
    read(method.parent_pool(), &method.options(), "hostelpulse.options.v1.access")
}

pub(crate) fn rest(method: &MethodDescriptor) -> Rest {
    read(method.parent_pool(), &method.options(), "hostelpulse.options.v1.rest").unwrap_or_default()
}

pub(crate) fn field_rule(field: &FieldDescriptor) -> FieldRule {
    read(field.parent_pool(), &field.options(), "hostelpulse.options.v1.field").unwrap_or_default()
}

pub(crate) fn event_type(message: &MessageDescriptor) -> Option<String> {
    let rule: EventRule = read(
        message.parent_pool(),
        &message.options(),
        "hostelpulse.options.v1.event",
    )?;
    Some(rule.r#type)
}

/// Every HTTP method and path of an rpc: `("GET", "/api/v1/users/{id}")`.
pub(crate) fn routes(method: &MethodDescriptor) -> Vec<(String, String)> {
    let Some(first) = read::<HttpRule>(method.parent_pool(), &method.options(), "google.api.http") else {
        return Vec::new();
    };
    let mut rules = vec![first.clone()];
    rules.extend(first.additional_bindings);
    let routes = rules
        .into_iter()
        .filter_map(|rule| rule.pattern)
        .map(|pattern| match pattern {
            Pattern::Get(path) => ("GET".to_owned(), path),
            Pattern::Put(path) => ("PUT".to_owned(), path),
            Pattern::Post(path) => ("POST".to_owned(), path),
            Pattern::Delete(path) => ("DELETE".to_owned(), path),
            Pattern::Patch(path) => ("PATCH".to_owned(), path),
            Pattern::Custom(custom) => (custom.kind, custom.path),
        });
    routes.collect()
}

fn read<M: Message + Default>(pool: &DescriptorPool, options: &DynamicMessage, name: &str) -> Option<M> {
    let extension = pool.get_extension_by_name(name)?;
    if !options.has_extension(&extension) {
        return None;
    }
    options.get_extension(&extension).as_message()?.transcode_to().ok()
}
