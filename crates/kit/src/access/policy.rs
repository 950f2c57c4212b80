//! Who may call what, read from the contract.

use std::collections::HashMap;

use prost_reflect::{DescriptorPool, MethodDescriptor};
use proto::options::{Access as Rule, Role};

use super::Identity;
use crate::{Fault, contract};

/// The rules of every rpc, by its path.
#[derive(Clone, Debug, Default)]
pub struct Policies(HashMap<String, MethodPolicy>);

/// Who may call one rpc.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says one thing that the contract says"
)]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MethodPolicy {
    pub public: bool,
    pub authenticated: bool,
    pub roles: Vec<Role>,
    pub services: bool,
    /// The caller sends a stream: its end, and with it the answer, may be a while away.
    pub takes_stream: bool,
}

/// An rpc whose rule makes no sense: nothing starts with it.
#[derive(Debug, thiserror::Error)]
#[error("{rpc}: {why}")]
pub struct PolicyError {
    pub rpc: String,
    pub why: &'static str,
}

impl Policies {
    /// Reads the rules of every rpc of the product.
    pub fn read(pool: &DescriptorPool) -> Result<Self, PolicyError> {
        let methods = pool
            .services()
            .flat_map(|service| service.methods().collect::<Vec<_>>());
        let policies = methods.map(|method| Ok((contract::grpc_path(&method), MethodPolicy::read(&method)?)));
        policies.collect::<Result<_, _>>().map(Self)
    }

    /// The rule of an rpc; `None` for an rpc that is not in the contract.
    pub fn of(&self, path: &str) -> Option<&MethodPolicy> {
        self.0.get(path)
    }
}

impl MethodPolicy {
    /// Reads the rule of one rpc.
    pub fn read(method: &MethodDescriptor) -> Result<Self, PolicyError> {
        let wrong = |why| PolicyError {
            rpc: method.full_name().to_owned(),
            why,
        };
        let Some(rule) = contract::method_options(method).access else {
            return Err(wrong(
                "says nothing of who may call it (option hostelpulse.options.v1.access)",
            ));
        };
        let roles: Vec<Role> = rule.roles().collect();
        if roles.contains(&Role::Unspecified) {
            return Err(wrong("names a role that does not exist"));
        }
        let Rule {
            public,
            authenticated,
            services,
            ..
        } = rule;
        let ways = [public, authenticated, !roles.is_empty()]
            .into_iter()
            .filter(|way| *way)
            .count();
        if ways > 1 || (public && services) || (ways == 0 && !services) {
            return Err(wrong(
                "must choose one of public, authenticated and roles; services may stand beside the last two",
            ));
        }
        let takes_stream = method.is_client_streaming();
        Ok(Self {
            public,
            authenticated,
            roles,
            services,
            takes_stream,
        })
    }

    /// Whether somebody may call the rpc.
    pub fn admits(&self, who: &Identity) -> Result<(), Fault> {
        let admitted = match who {
            _ if self.public => true,
            Identity::Nobody => return Err(Fault::unauthenticated("Sign in to do this")),
            Identity::User { role, .. } => self.authenticated || self.roles.contains(role),
            Identity::Service { .. } => self.services,
        };
        if admitted {
            Ok(())
        } else {
            Err(Fault::forbidden("Your role does not allow this"))
        }
    }
}
