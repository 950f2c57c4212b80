//! Services of several processes and a gateway before them, as in containers.

use kit::testing::TestStores;

use crate::binary::Running;

/// Who may do everything there; the password is that of the demo.
pub(crate) const ADMIN: [(&str, &str); 2] = [
    ("HOSTELPULSE_ADMIN_EMAIL", "head@hostel.example"),
    ("HOSTELPULSE_ADMIN_PASSWORD", "Demo@1234"),
];
pub(crate) const EVERY_SERVICE: [&str; 6] = ["auth", "students", "attendance", "leave", "grievance", "audit"];

const SECRET: &str = "the secret of the services of one installation";
const MASTER_KEYS: &str = "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// An installation of several processes.
pub(crate) struct Apart {
    pub services: Services,
    pub gateway: Running,
}

/// The services, some to a process. Where there is more than one, they hear each other over a broker alone.
pub(crate) struct Services {
    stores: TestStores,
    environment: Vec<(String, String)>,
    processes: Vec<Process>,
}

struct Process {
    services: &'static [&'static str],
    address: String,
    running: Option<Running>,
}

impl Apart {
    /// Each group of services in a process, with more said to all of them.
    pub(crate) fn start(stores: TestStores, groups: &[&'static [&'static str]], more: &[(&str, &str)]) -> Self {
        let process = |services: &&'static [&'static str]| Process {
            services,
            address: free_address(),
            running: None,
        };
        let processes: Vec<Process> = groups.iter().map(process).collect();
        let mut environment = vec![
            ("HOSTELPULSE_SERVICE_SECRET".to_owned(), SECRET.to_owned()),
            ("HOSTELPULSE_MASTER_KEYS".to_owned(), MASTER_KEYS.to_owned()),
        ];
        for process in &processes {
            let url = format!("http://{}", process.address);
            let upstream = |service: &&str| {
                (
                    format!("HOSTELPULSE_UPSTREAMS__{}", service.to_uppercase()),
                    url.clone(),
                )
            };
            environment.extend(process.services.iter().map(upstream));
        }
        let said = ADMIN.iter().chain(more);
        environment.extend(said.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut services = Services {
            stores,
            environment,
            processes,
        };
        for place in 0..services.processes.len() {
            services.processes[place].running = Some(services.launch(place)());
        }
        let gateway = services.front(SECRET);
        Self { services, gateway }
    }
}

impl Services {
    pub(crate) fn stores(&self) -> &TestStores {
        &self.stores
    }

    /// Where a service listens.
    pub(crate) fn url_of(&self, service: &str) -> String {
        format!("http://{}", self.processes[self.place_of(service)].address)
    }

    /// A gateway before them that knows this secret.
    pub(crate) fn front(&self, secret: &str) -> Running {
        let known = self
            .environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let environment: Vec<(&str, &str)> = known.chain([("HOSTELPULSE_SERVICE_SECRET", secret)]).collect();
        let arguments = ["serve", "gateway", "--listen", "127.0.0.1:0"];
        Running::start(&TestStores::default(), &arguments, &environment)
    }

    /// The process of a service dies without a word.
    pub(crate) fn kill(&mut self, service: &str) {
        let place = self.place_of(service);
        self.processes[place].running.take().unwrap().kill();
    }

    /// The same process once more; whoever waits for it is not held up.
    pub(crate) async fn start_again(&mut self, service: &str) {
        let place = self.place_of(service);
        #[expect(clippy::disallowed_methods, reason = "one thread of a test")]
        let started = tokio::task::spawn_blocking(self.launch(place)).await;
        self.processes[place].running = Some(started.unwrap());
    }

    /// Everybody is told to stop, and does.
    pub(crate) fn terminate(self) {
        for process in self.processes {
            assert!(process.running.is_none_or(|running| running.terminate().success()));
        }
    }

    fn place_of(&self, service: &str) -> usize {
        let with_it = |process: &Process| process.services.contains(&service);
        self.processes.iter().position(with_it).unwrap()
    }

    fn launch(&self, place: usize) -> impl FnOnce() -> Running + Send + 'static {
        let process = &self.processes[place];
        let arguments = [&["serve"], process.services].concat();
        let own = ("HOSTELPULSE_GRPC_LISTEN".to_owned(), process.address.clone());
        let environment: Vec<(String, String)> = self.environment.iter().cloned().chain([own]).collect();
        let flags = crate::binary::on(&self.stores);
        move || {
            let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (&**name, &**value)).collect();
            Running::start_on(flags, &arguments, &environment)
        }
    }
}

fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}
