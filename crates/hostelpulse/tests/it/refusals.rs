//! What an operator gets wrong: one clear sentence, an exit code, and nothing changed.

use std::net::TcpListener;

use kit::testing::TestStores;

use crate::binary::{Running, files_in, hostelpulse, refused};

/// Runs `up` on an empty folder with something wrong; what it says. The folder must stay empty.
fn up_with(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = hostelpulse(&["up", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
    command.args(arguments).envs(environment.iter().copied());
    let said = refused(command);
    assert_eq!(files_in(folder.path()), Vec::<String>::new(), "{said}");
    said
}

#[test]
fn an_unknown_key() {
    let said = up_with(&[], &[("HOSTELPULSE_DATABSE_URL", "x")]);
    assert_eq!(
        said,
        "hostelpulse: unknown key \"databse_url\", did you mean \"database_url\"? (said by HOSTELPULSE_DATABSE_URL)"
    );
    let said = up_with(&[], &[("HOSTELPULSE_GATEWAY__KEEPALIVE_SECONDS", "3")]);
    assert!(said.contains("did you mean \"gateway.keep_alive_seconds\"?"), "{said}");
}

#[test]
fn a_wrong_scheme() {
    for (flag, url, port) in [
        ("--database-url", "mysql://db/x", "database"),
        ("--cache-url", "memcached://x", "cache"),
        ("--bus-url", "kafka://x", "bus"),
        ("--files-url", "ftp://x", "files"),
        ("--mail-url", "pop3://x", "mail"),
        ("--push-url", "apns://x", "push"),
    ] {
        let said = up_with(&[flag, url], &[]);
        assert!(said.starts_with(&format!("hostelpulse: {port} at {url}")), "{said}");
        assert!(
            said.contains("unknown scheme") && said.contains("expected one of"),
            "{said}"
        );
    }
}

#[test]
fn a_port_that_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let said = refused(hostelpulse(&[
        "up",
        "--listen",
        &address,
        "--data",
        data.to_str().unwrap(),
    ]));
    assert!(said.contains(&address), "{said}");
    assert_eq!(files_in(folder.path()), Vec::<String>::new());
}

#[test]
fn a_folder_that_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data");
    std::fs::write(&file, "this is no folder").unwrap();
    let said = refused(hostelpulse(&[
        "up",
        "--listen",
        "127.0.0.1:0",
        "--data",
        file.to_str().unwrap(),
    ]));
    assert!(said.contains(file.to_str().unwrap()), "{said}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "this is no folder");
}

#[tokio::test]
async fn a_database_that_is_newer() {
    let stores = TestStores::default();
    assert!(Running::demo(&stores).terminate().success());
    let config = stores.config();
    let found = config.base.stores().unwrap();
    let db = kit::service::open_database(&config, &found, "auth").await.unwrap();
    let txn = db.begin().await.unwrap();
    let later = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('auth_9999_from_the_future', 1)";
    sea_orm::ConnectionTrait::execute_unprepared(&*txn, later)
        .await
        .unwrap();
    txn.commit().await.unwrap();
    db.close().await.unwrap();

    let mut command = hostelpulse(&["migrate", "auth", "--data", config.base.data.to_str().unwrap()]);
    if let Some(url) = &config.base.database_url {
        command.args(["--database-url", url.as_str()]);
    }
    let said = refused(command);
    assert!(
        said.contains("newer than this program") && said.contains("auth_9999_from_the_future"),
        "{said}"
    );
}

#[test]
fn the_demo_among_real_users() {
    let stores = TestStores::default();
    let environment = [
        ("HOSTELPULSE_ADMIN_EMAIL", "head@hostel.example"),
        ("HOSTELPULSE_ADMIN_PASSWORD", "Demo@1234"),
    ];
    assert!(Running::up(&stores, &[], &environment).terminate().success());
    let base = stores.config().base;
    let mut command = hostelpulse(&[
        "up",
        "--demo",
        "--listen",
        "127.0.0.1:0",
        "--data",
        base.data.to_str().unwrap(),
    ]);
    if let Some(url) = &base.database_url {
        command.args(["--database-url", url.as_str()]);
    }
    let said = refused(command);
    assert!(
        said.ends_with("the database holds real users; the demo is refused"),
        "{said}"
    );
}

#[test]
fn an_administrator_with_a_weak_password() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = hostelpulse(&["up", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
    command.envs([
        ("HOSTELPULSE_ADMIN_EMAIL", "head@hostel.example"),
        ("HOSTELPULSE_ADMIN_PASSWORD", "weak"),
    ]);
    let said = refused(command);
    assert!(said.contains("auth.admin_password must have 8 characters"), "{said}");
}

#[test]
fn a_token_secret_that_is_too_short() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "too short\n").unwrap();
    let environment = [("HOSTELPULSE_TOKEN_SECRET_FILE", file.to_str().unwrap())];
    let expected = "hostelpulse: token_secret must be at least 32 bytes, it has 9";
    assert_eq!(up_with(&[], &environment), expected);
    let mut command = hostelpulse(&["config", "check"]);
    command.envs(environment);
    assert_eq!(refused(command), expected);
}

#[test]
fn master_keys_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    std::fs::write(&file, "k1:hush\n").unwrap();
    let environment = [("HOSTELPULSE_MASTER_KEYS_FILE", file.to_str().unwrap())];
    let expected = "hostelpulse: master_keys must be `kid:base64`, several separated by commas, the current one first, \
                    each of 32 bytes (`openssl rand -base64 32`): entry 1 has 3 bytes";
    assert_eq!(up_with(&[], &environment), expected);
    let mut command = hostelpulse(&["config", "check"]);
    command.envs(environment);
    assert_eq!(refused(command), expected);
}

#[test]
fn a_bus_in_memory_for_several_processes() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = hostelpulse(&["serve", "auth", "--data", data.to_str().unwrap()]);
    command.envs([
        (
            "HOSTELPULSE_SERVICE_SECRET",
            "a secret of the installation, long enough",
        ),
        ("HOSTELPULSE_GRPC_LISTEN", "127.0.0.1:0"),
    ]);
    let said = refused(command);
    assert!(said.starts_with("hostelpulse: bus_url is needed"), "{said}");
    assert_eq!(files_in(folder.path()), Vec::<String>::new());
}
