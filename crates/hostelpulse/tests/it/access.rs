//! Every rpc × every role × no token × a service's token, against what the contract says. Nothing is listed by hand:
//! a new rpc is walked as soon as it is declared.

use std::collections::BTreeMap;

use hostelpulse::{Composed, Gateways, SERVICES, run_services};
use kit::{
    access::{Identity, MethodPolicy, metadata},
    contract,
    service::Host,
    testing::TestStores,
};
use prost_reflect::MethodDescriptor;
use proto::{
    auth::{LoginRequest, auth_client::AuthClient},
    options::Role,
};
use tonic::{Code, Request, client::Grpc, metadata::AsciiMetadataValue};
use tonic_prost::ProstCodec;

const ROLES: [Role; 6] = [
    Role::Student,
    Role::Warden,
    Role::Guard,
    Role::Staff,
    Role::Teacher,
    Role::Admin,
];

/// Somebody who tries: who they are, and the token that says so.
struct Caller {
    who: Identity,
    token: Option<String>,
}

#[tokio::test]
async fn every_rpc_admits_whom_the_contract_names_and_nobody_else() {
    let stores = TestStores::default();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut config = stores.config();
    config.base.listen = ([127, 0, 0, 1], 0).into();
    let with = Gateways {
        gateway: true,
        demo: true,
    };
    let Composed {
        host, listens: address, ..
    } = run_services(config, None, &SERVICES, with).await.unwrap();
    let callers = callers(&host).await;
    let mut cells = 0;
    for method in methods() {
        let policy = MethodPolicy::read(&method).unwrap();
        for caller in &callers {
            let admitted = policy.admits(&caller.who).map_err(|fault| fault.kind.grpc());
            let answer = call(&host, &method, caller.token.as_deref()).await;
            let refused = matches!(answer, Code::Unauthenticated | Code::PermissionDenied);
            match admitted {
                Err(code) => assert_eq!(answer, code, "{} for {:?}", method.full_name(), caller.who),
                Ok(()) => assert!(!refused, "{} for {:?}: {answer:?}", method.full_name(), caller.who),
            }
            cells += 1;
        }
    }
    assert_eq!(cells, methods().count() * (ROLES.len() + 2));
    // The last thing that everybody did was to sign out.
    let callers = self::callers(&host).await;
    over_http(&host, address.unwrap(), &callers).await;
}

/// The same through the gateway, which never accepts a service's token.
async fn over_http(host: &Host, address: std::net::SocketAddr, callers: &[Caller]) {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(std::time::Duration::from_secs(20))
        .build()
        .unwrap();
    for method in methods() {
        let policy = MethodPolicy::read(&method).unwrap();
        let Some((verb, path)) = binding(&method) else { continue };
        for caller in callers {
            let outside = if matches!(caller.who, Identity::Service { .. }) {
                &Identity::Nobody
            } else {
                &caller.who
            };
            let admitted = policy.admits(outside).map_err(|fault| fault.kind.http());
            let url = format!("http://{address}{}", path.replace(['{', '}'], "-"));
            let mut request = client.request(verb.clone(), url);
            if let Some(token) = &caller.token {
                request = request.bearer_auth(token);
            }
            let status = request.send().await.unwrap().status().as_u16();
            match admitted {
                Err(code) => assert_eq!(status, code, "{} for {:?}", method.full_name(), caller.who),
                Ok(()) => assert!(
                    !matches!(status, 401 | 403),
                    "{} for {:?}: {status}",
                    method.full_name(),
                    caller.who
                ),
            }
        }
    }
    drop(host.upstreams.clone());
}

/// Every rpc of the contract; the one that ends the caller's own session comes last.
fn methods() -> impl Iterator<Item = MethodDescriptor> {
    let mut all: Vec<_> = contract::pool()
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .collect();
    all.sort_by_key(|method| method.full_name() == "hostelpulse.auth.v1.Auth.Logout");
    all.into_iter()
}

fn binding(method: &MethodDescriptor) -> Option<(reqwest::Method, String)> {
    use proto::http::http_rule::Pattern;
    let rule = contract::method_options(method).http?;
    Some(match rule.pattern? {
        Pattern::Get(path) => (reqwest::Method::GET, path),
        Pattern::Put(path) => (reqwest::Method::PUT, path),
        Pattern::Post(path) => (reqwest::Method::POST, path),
        Pattern::Delete(path) => (reqwest::Method::DELETE, path),
        Pattern::Patch(path) => (reqwest::Method::PATCH, path),
        Pattern::Custom(_) => return None,
    })
}

/// Nobody, a service, and somebody of the demo for each role.
async fn callers(host: &Host) -> Vec<Caller> {
    let service = host.tokens("students").token().unwrap().to_string();
    let mut all = vec![
        Caller {
            who: Identity::Nobody,
            token: None,
        },
        Caller {
            who: Identity::Service {
                name: "students".to_owned(),
            },
            token: Some(service),
        },
    ];
    for role in ROLES {
        let identifier = format!("{}@demo.local", kit::access::role_name(role));
        let request = LoginRequest {
            identifier,
            password: "Demo@1234".to_owned(),
            cookie: false,
        };
        let channel = host.upstreams.channel("auth").unwrap();
        let token = AuthClient::new(channel)
            .login(request)
            .await
            .unwrap()
            .into_inner()
            .access_token()
            .to_owned();
        let who = Identity::User {
            id: uuid::Uuid::nil(),
            role,
            session: uuid::Uuid::nil(),
        };
        all.push(Caller {
            who,
            token: Some(token),
        });
    }
    all
}

/// Calls an rpc of whatever shape directly, with an empty message; how it answered.
async fn call(host: &Host, method: &MethodDescriptor, token: Option<&str>) -> Code {
    let channel = host.upstreams.channel(&contract::owner(method).unwrap()).unwrap();
    let mut request = Request::new(futures_util::stream::iter([()]));
    if let Some(token) = token {
        let value = AsciiMetadataValue::try_from(format!("Bearer {token}")).unwrap();
        request.metadata_mut().insert(metadata::AUTHORIZATION, value);
    }
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.unwrap();
    let path = contract::grpc_path(method).parse().unwrap();
    let answer = grpc.streaming(request, path, ProstCodec::<(), ()>::default()).await;
    match answer {
        Err(status) => status.code(),
        Ok(answer) => answer
            .into_inner()
            .message()
            .await
            .map_or_else(|status| status.code(), |_| Code::Ok),
    }
}

#[test]
fn the_walk_covers_every_service_of_the_contract() {
    let mut owners = BTreeMap::new();
    for method in methods() {
        *owners.entry(contract::owner(&method).unwrap()).or_insert(0) += 1;
    }
    let known: Vec<_> = SERVICES.iter().map(|service| service.name().to_owned()).collect();
    for owner in owners.keys() {
        assert!(known.contains(owner), "{owner} declares rpcs and is not in this binary");
    }
}
