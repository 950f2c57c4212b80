//! The installation that is measured: the real binary on stores of its own, in one process or in one a service.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use hostelpulse::SERVICES;
use kit::{
    Db,
    config::Config,
    service::{Host, sections},
};
use sea_orm::{ConnectionTrait as _, FromQueryResult, Statement};
use serde_json::{Value, json};
use students::{Beginning, Students};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    process::{Child, Command},
};
use url::Url;

use super::{Options, load::Wanted, people::Scanner};
use crate::{load::read_answer, tokens::Signer, usage};

const MASTER_KEYS: &str = "bench:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
const SECRET: &str = "a secret for measurements, of enough length";
const START_LIMIT: Duration = Duration::from_mins(3);

/// What is measured.
pub(super) struct Installation {
    folder: tempfile::TempDir,
    environment: BTreeMap<String, String>,
    config: Config,
    on_servers: bool,
    processes: Vec<Child>,
    address: Option<SocketAddr>,
    attendance: Option<Db>,
}

/// CPU time that was used.
#[derive(Clone, Copy)]
pub(super) struct Usage {
    ours: Duration,
    postgres: Duration,
}

impl Usage {
    pub(super) fn ours(&self) -> Duration {
        self.ours
    }

    pub(super) fn postgres(&self) -> Duration {
        self.postgres
    }

    pub(super) fn since(self, before: Self) -> Self {
        Self {
            ours: self.ours.saturating_sub(before.ours),
            postgres: self.postgres.saturating_sub(before.postgres),
        }
    }
}

#[derive(FromQueryResult)]
struct Number {
    number: i64,
}

impl Installation {
    /// Fresh stores with everybody in them, nothing running yet.
    pub(super) async fn prepare(options: &Options, beginning: Beginning) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut config: Config = kit::config::Loader::empty(sections());
        config.base.data = folder.path().to_owned();
        config.base.master_keys = Some(kit::config::SecretText(MASTER_KEYS.to_owned().into()));
        let mut environment = BTreeMap::from([
            ("HOSTELPULSE_DATA", folder.path().display().to_string()),
            ("HOSTELPULSE_LIMITS__ENABLED", "false".to_owned()),
            ("HOSTELPULSE_MASTER_KEYS", MASTER_KEYS.to_owned()),
            ("HOSTELPULSE_SERVICE_SECRET", SECRET.to_owned()),
            ("HOSTELPULSE_LOG", "warn".to_owned()),
        ]);
        if let (Some(postgres), Some(redis), Some(rabbitmq)) = (&options.postgres, &options.redis, &options.rabbitmq) {
            for service in SERVICES {
                drop_database(postgres, service.name()).await?;
            }
            let database = database_url(postgres, "{service}");
            let mut bus = rabbitmq.clone();
            let prefix = format!("scan{}.", std::process::id());
            bus.query_pairs_mut().append_pair("prefix", &prefix);
            environment.insert("HOSTELPULSE_DATABASE_URL", database.to_string());
            environment.insert("HOSTELPULSE_CACHE_URL", redis.to_string());
            environment.insert("HOSTELPULSE_BUS_URL", bus.to_string());
            config.base.database_url = Some(database);
        }
        fill(config.clone(), beginning).await?;
        Ok(Self {
            folder,
            environment: environment
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            config,
            on_servers: options.postgres.is_some(),
            processes: Vec::new(),
            address: None,
            attendance: None,
        })
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn address(&self) -> anyhow::Result<SocketAddr> {
        self.address.context("nothing listens yet")
    }

    /// Starts everything and waits until attendance knows every student.
    pub(super) async fn start(&mut self, split: bool, students: usize) -> anyhow::Result<()> {
        let gateway = if split {
            for service in SERVICES {
                let name = service.name().to_uppercase();
                let upstream = format!("http://127.0.0.1:{}", free_port()?);
                self.environment
                    .insert(format!("HOSTELPULSE_UPSTREAMS__{name}"), upstream);
            }
            for service in SERVICES {
                let upstream = &self.environment[&format!("HOSTELPULSE_UPSTREAMS__{}", service.name().to_uppercase())];
                let listen = upstream.trim_start_matches("http://").to_owned();
                let own = [("HOSTELPULSE_GRPC_LISTEN", listen.as_str())];
                self.spawn(&["serve", service.name()], &own).await?;
            }
            self.spawn(&["serve", "gateway", "--listen", "127.0.0.1:0"], &[])
                .await?
        } else {
            self.spawn(&["up", "--listen", "127.0.0.1:0"], &[]).await?
        };
        let url = gateway.split_whitespace().find(|word| word.starts_with("http://"));
        let url: Url = url.with_context(|| format!("no address in: {gateway}"))?.parse()?;
        self.address = url.socket_addrs(|| None)?.first().copied();
        let db = kit::service::open_database(
            &self.config,
            &self.config.base.stores().map_err(anyhow::Error::msg)?,
            "attendance",
        )
        .await?;
        self.attendance = Some(db);
        self.wait(
            "attendance knows every student",
            START_LIMIT,
            "SELECT COUNT(*) AS number FROM student",
            |known| usize::try_from(known).is_ok_and(|known| known >= students),
        )
        .await
    }

    /// Starts a process of the product and reads the line that says that it is ready.
    async fn spawn(&mut self, arguments: &[&str], own: &[(&str, &str)]) -> anyhow::Result<String> {
        let binary = binary()?;
        let mut child = Command::new(&binary)
            .args(arguments)
            .envs(&self.environment)
            .envs(own.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| binary.display().to_string())?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let ready = tokio::time::timeout(START_LIMIT, async {
            while let Some(line) = lines.next_line().await? {
                if line.contains("is ready") {
                    return Ok(line);
                }
            }
            anyhow::bail!("{arguments:?} ended before it was ready")
        });
        let line = ready.await.context("not ready in time")??;
        // What it says further is of no interest, but must not fill the pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        self.processes.push(child);
        Ok(line)
    }

    /// Opens a roll call for every block and year, and plans everybody's scan.
    pub(super) async fn open_roll_calls(&self, signer: &Signer, students: &[Scanner]) -> anyhow::Result<Vec<Wanted>> {
        let guard = signer.token(signer.new_id(), "guard")?;
        let mut codes: BTreeMap<(String, u32), String> = BTreeMap::new();
        let mut stream = TcpStream::connect(self.address()?).await?;
        let mut wanted = Vec::with_capacity(students.len());
        for student in students {
            let key = (student.block.clone(), student.year);
            let code = if let Some(code) = codes.get(&key) {
                code.clone()
            } else {
                let code = open(&mut stream, self.address()?, &guard, student).await?;
                codes.insert(key, code.clone());
                code
            };
            let location =
                json!({ "latitude": student.latitude, "longitude": student.longitude, "accuracy_meters": 3.0 });
            wanted.push(Wanted {
                token: signer.token(student.id, "student")?,
                body: json!({ "qr_token": code, "location": location }).to_string(),
            });
        }
        Ok(wanted)
    }

    /// CPU time of the product's processes and of the database server.
    pub(super) async fn usage(&self) -> anyhow::Result<Usage> {
        let ours = self.processes.iter().filter_map(Child::id).map(usage::cpu_of);
        let ours = ours.sum::<anyhow::Result<Duration>>()?;
        let postgres = if self.on_servers {
            let backend = self.number("SELECT CAST(pg_backend_pid() AS BIGINT) AS number").await?;
            usage::cpu_of_family(usage::parent_of(u32::try_from(backend)?)?)?
        } else {
            Duration::ZERO
        };
        Ok(Usage { ours, postgres })
    }

    /// Waits until everything there is to tell is published; what was heard of it is applied by then or a moment later.
    pub(super) async fn drained(&self, limit: Duration) -> anyhow::Result<()> {
        let untold = "SELECT COUNT(*) AS number FROM mark JOIN session ON session.id = mark.session_id \
                      WHERE mark.version > session.told_version";
        self.wait("every mark is told", limit, untold, |untold| untold == 0)
            .await?;
        let waiting = "SELECT COUNT(*) AS number FROM outbox WHERE published_at IS NULL";
        self.wait("every event is published", limit, waiting, |waiting| waiting == 0)
            .await
    }

    /// How many students are marked present.
    pub(super) async fn marks(&self) -> anyhow::Result<u64> {
        let present = self
            .number("SELECT COUNT(*) AS number FROM mark WHERE status = 'present'")
            .await?;
        Ok(u64::try_from(present)?)
    }

    async fn wait(&self, what: &str, limit: Duration, sql: &str, done: impl Fn(i64) -> bool) -> anyhow::Result<()> {
        let end = Instant::now() + limit;
        loop {
            let number = self.number(sql).await?;
            if done(number) {
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < end, "{what}: not within {limit:?}, at {number}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn number(&self, sql: &str) -> anyhow::Result<i64> {
        let db = self.attendance.as_ref().context("nothing runs yet")?;
        let statement = Statement::from_string(db.backend(), sql);
        let row = Number::find_by_statement(statement).one(db.reader()).await?;
        Ok(row.context("no row")?.number)
    }

    /// The configuration, for whoever opens a database of the installation.
    pub(super) fn config(&self) -> &Config {
        &self.config
    }
}

/// The product's binary lies beside this one.
fn binary() -> anyhow::Result<PathBuf> {
    let mut path = std::env::current_exe()?;
    path.set_file_name("hostelpulse");
    Ok(path)
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

pub(super) fn database_url(server: &Url, service: &str) -> Url {
    let mut url = server.clone();
    url.set_path(&format!("/scan_{service}"));
    url
}

async fn drop_database(server: &Url, service: &str) -> anyhow::Result<()> {
    let mut url = server.clone();
    url.set_path("/postgres");
    let db = Db::open(&url, 1).await?;
    let sql = format!("DROP DATABASE IF EXISTS scan_{service} WITH (FORCE)");
    db.reader().execute_unprepared(&sql).await?;
    db.close().await?;
    Ok(())
}

/// Stores everybody before anything is served. What was to be told of them counts as told: the measurement is not of that.
async fn fill(config: Config, beginning: Beginning) -> anyhow::Result<()> {
    let names = SERVICES.map(hostelpulse::Service::name);
    let host = Host::open(config, &names).await?;
    let (service, db) = host.create::<Students>().await?;
    service.seed(beginning).await?;
    let txn = db.begin().await?;
    txn.execute_unprepared("UPDATE outbox SET published_at = occurred_at WHERE published_at IS NULL")
        .await?;
    txn.commit().await?;
    db.close().await?;
    host.lifecycle.run(std::future::ready(())).await?;
    Ok(())
}

/// Opens a roll call; the code that holds as long as it is open.
async fn open(stream: &mut TcpStream, address: SocketAddr, guard: &str, of: &Scanner) -> anyhow::Result<String> {
    let location = json!({ "latitude": of.latitude, "longitude": of.longitude, "accuracy_meters": 3.0 });
    let body = json!({
        "block": of.block, "year": of.year, "duration_minutes": 60, "rotate_seconds": 0, "radius_meters": 10.0,
        "location": location,
    });
    let body = body.to_string();
    let request = format!(
        "POST /api/v1/attendance/generate-qr HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {guard}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    let status = read_answer(stream, &mut answer).await?;
    let text = String::from_utf8_lossy(&answer);
    anyhow::ensure!(status == 201, "a roll call was not opened: {text}");
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let answer: Value = serde_json::from_str(body)?;
    let code = answer["data"]["qr_token"].as_str().context("no code")?;
    Ok(code.to_owned())
}
