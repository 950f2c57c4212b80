//! The gateway: the product over HTTP. It knows no service by name.
//!
//! Everything that it does for an rpc is read from the compiled protos when it starts: the path, who may call, how
//! often, what goes in and what comes out. A rule that does not fit its message refuses to start and names the rpc. A new
//! endpoint is an edit of a proto file; nothing here changes.
//!
//! One request runs through `face`: request id → route → who is it, may they → limits → input → call → envelope.
//! Each shape of an rpc is handled once, in `shapes`.
//!
//! | room | what lives there |
//! |---|---|
//! | [`config`] | the section `gateway` of the configuration |
//! | `server` | check everything, listen, drain, stop |
//! | `routes`, `endpoint`, `tree` | the contract as routes, what a path answers to, how a request finds it |
//! | `face` | one request from its first to its last byte: headers, log, figures, panics |
//! | `visit`, `client` | who asks, from where, with which token |
//! | `cors` | pages of other origins |
//! | `cookie` | a token that a browser keeps in a cookie |
//! | `limits` | how often |
//! | `input`, `body` | path, query and body become one protobuf message; slow and large bodies end |
//! | `form` | what stands beside an upload's file |
//! | `call` | one call of a service with bytes as they are |
//! | `shapes` | unary, stream, upload, download |
//! | `envelope`, `refusal` | what answers look like |
//! | `figures` | log, counters, durations |
//! | [`openapi`] | the contract as an OpenAPI document |
//! | `system`, `health`, `docs` | what belongs to no rpc: health, metrics, OpenAPI and its page, key sets, files of pages |

mod accept;
mod body;
mod call;
mod client;
pub mod config;
mod cookie;
mod cors;
mod docs;
mod endpoint;
mod envelope;
mod error;
mod face;
mod figures;
mod form;
mod health;
mod input;
mod limits;
pub mod openapi;
mod refusal;
mod routes;
mod server;
mod shapes;
mod system;
mod tree;
mod visit;

pub use config::{Config, Limits};
pub use error::Error;
pub use server::{Bound, Deps, Gateway, MetricsText};
pub use system::{Raw, StaticFile};
