//! Devices: whose they are, since when they count, and that each key is one student's.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::SigningKey;
use kit::Fault;
use proto::{
    attendance::{
        ApproveDeviceRequest, Device, DeviceState, ListDevicesRequest, RegisterDeviceRequest, RetireDeviceRequest,
    },
    options::Role,
};
use uuid::Uuid;

use crate::gate::{Gate, Pupil, told};

/// A key that is always the same for the same number.
fn key(number: u8) -> String {
    STANDARD.encode(SigningKey::from_bytes(&[number; 32]).verifying_key().to_bytes())
}

struct Desk {
    gate: Gate,
    asha: Pupil,
    ravi: Pupil,
}

impl Desk {
    async fn open() -> Self {
        let gate = Gate::open().await;
        let (asha, ravi) = (gate.student(1, "A", 1).await, gate.student(2, "A", 1).await);
        Self { gate, asha, ravi }
    }

    async fn register(&self, pupil: &Pupil, public_key: &str) -> Result<Device, Fault> {
        let request = RegisterDeviceRequest {
            public_key: public_key.to_owned(),
            name: "A phone".to_owned(),
        };
        told(
            self.gate
                .devices()
                .register_device(self.gate.by_student(pupil, request))
                .await,
        )
    }

    async fn approve(&self, id: &str) -> Result<Device, Fault> {
        let request = ApproveDeviceRequest { id: id.to_owned() };
        told(self.gate.devices().approve_device(self.gate.by_warden(request)).await)
    }

    async fn retire(&self, who: Uuid, role: Role, id: &str) -> Result<Device, Fault> {
        let request = RetireDeviceRequest { id: id.to_owned() };
        told(
            self.gate
                .devices()
                .retire_device(self.gate.of(who, role, request))
                .await,
        )
    }

    async fn list(&self, who: Uuid, role: Role, request: ListDevicesRequest) -> Vec<Device> {
        let answer = told(self.gate.devices().list_devices(self.gate.of(who, role, request)).await).unwrap();
        assert_eq!(answer.page.unwrap().total_items, answer.devices.len() as u64);
        answer.devices
    }
}

#[tokio::test]
async fn the_first_device_is_good_at_once_and_others_wait() {
    let desk = Desk::open().await;
    let first = desk.register(&desk.asha, &key(1)).await.unwrap();
    assert_eq!((first.state(), first.counter), (DeviceState::Active, 0));
    assert_eq!(first.public_key, key(1));
    let second = desk.register(&desk.asha, &key(2)).await.unwrap();
    assert_eq!(second.state(), DeviceState::Waiting);
    let waits = second.active_from.unwrap().seconds - second.created_at.unwrap().seconds;
    assert_eq!(waits, 24 * 3600);
    let third = desk.register(&desk.asha, &key(3)).await.unwrap();
    let approved = desk.approve(&third.id).await.unwrap();
    assert_eq!(approved.state(), DeviceState::Active);
    assert_eq!(desk.approve(&third.id).await.unwrap(), approved, "once is enough");
    desk.gate.world.clock.advance(chrono::Duration::hours(24));
    let own = desk
        .list(desk.asha.id, Role::Student, ListDevicesRequest::default())
        .await;
    assert!(own.iter().all(|device| device.state() == DeviceState::Active));
    assert_eq!(own.len(), 3);
    // Two of a device that was approved, one of the others; each is one of its subject, from 1.
    let events = desk.gate.told("device.changed").await;
    let versions: Vec<_> = events.iter().map(|event| event["version"].as_i64().unwrap()).collect();
    assert_eq!(versions, [1, 1, 1, 2]);
    assert_eq!(events[3]["subject"], third.id);
    assert_eq!(events[3]["data"]["device"]["state"], "active");
}

#[tokio::test]
async fn retiring_the_only_device_is_no_way_around_the_wait() {
    let desk = Desk::open().await;
    let first = desk.register(&desk.asha, &key(1)).await.unwrap();
    let retired = desk.retire(desk.asha.id, Role::Student, &first.id).await.unwrap();
    assert_eq!(retired.state(), DeviceState::Retired);
    let next = desk.register(&desk.asha, &key(2)).await.unwrap();
    assert_eq!(next.state(), DeviceState::Waiting);
}

#[tokio::test]
async fn a_key_is_one_students() {
    let desk = Desk::open().await;
    let first = desk.register(&desk.asha, &key(1)).await.unwrap();
    assert_eq!(
        desk.register(&desk.asha, &key(1)).await.unwrap(),
        first,
        "the same again"
    );
    let taken = desk.register(&desk.ravi, &key(1)).await.unwrap_err();
    assert_eq!((taken.reason.as_ref(), taken.kind.http()), ("CONFLICT", 409));
    assert_eq!(taken.details["field"], "public_key");
    assert_eq!(desk.gate.count("device").await, 1);
    assert_eq!(desk.gate.told("device.changed").await.len(), 1);
    desk.retire(desk.asha.id, Role::Student, &first.id).await.unwrap();
    let back = desk.register(&desk.asha, &key(1)).await.unwrap_err();
    assert_eq!(back.reason, "DEVICE_RETIRED");
}

#[tokio::test]
async fn of_several_at_once_one_is_the_first() {
    let desk = Desk::open().await;
    let tries = (1..=4).map(|number| {
        let desk = &desk;
        async move { desk.register(&desk.asha, &key(number)).await.unwrap() }
    });
    let devices = futures_util::future::join_all(tries).await;
    let active = devices.iter().filter(|device| device.state() == DeviceState::Active);
    assert_eq!(active.count(), 1);
}

#[tokio::test]
async fn a_student_has_five_devices_at_most() {
    let desk = Desk::open().await;
    let mut last = None;
    for number in 1..=5 {
        last = Some(desk.register(&desk.asha, &key(number)).await.unwrap());
    }
    let sixth = desk.register(&desk.asha, &key(6)).await.unwrap_err();
    assert_eq!((sixth.reason.as_ref(), sixth.kind.http()), ("TOO_MANY_DEVICES", 422));
    desk.retire(desk.asha.id, Role::Student, &last.unwrap().id)
        .await
        .unwrap();
    desk.register(&desk.asha, &key(6)).await.unwrap();
}

#[tokio::test]
async fn what_is_no_key_is_refused_by_its_field() {
    let desk = Desk::open().await;
    let mut identity = [0; 32];
    identity[0] = 1;
    for wrong in [
        "",
        "AAAA",
        "not base64!",
        &STANDARD.encode([0; 32]),
        &STANDARD.encode(identity),
        &STANDARD.encode([2; 33]),
    ] {
        let refused = desk.register(&desk.asha, wrong).await.unwrap_err();
        assert_eq!(refused.violations[0].field, "public_key", "{wrong}");
    }
    assert_eq!(desk.gate.count("device").await, 0);
}

#[tokio::test]
async fn the_same_request_again_has_the_same_answer() {
    let desk = Desk::open().await;
    let once = async |key: &str| {
        let mut request = desk.gate.by_student(
            &desk.asha,
            RegisterDeviceRequest {
                public_key: key.to_owned(),
                name: "A phone".to_owned(),
            },
        );
        request
            .metadata_mut()
            .insert("idempotency-key", "once".parse().unwrap());
        told(desk.gate.devices().register_device(request).await)
    };
    let first = once(&key(1)).await.unwrap();
    desk.gate.world.clock.advance(chrono::Duration::minutes(1));
    assert_eq!(once(&key(1)).await.unwrap(), first);
    assert_eq!(once(&key(2)).await.unwrap_err().reason, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn students_see_their_own_and_wardens_all() {
    let desk = Desk::open().await;
    let of_asha = desk.register(&desk.asha, &key(1)).await.unwrap();
    let of_ravi = desk.register(&desk.ravi, &key(2)).await.unwrap();
    let waiting = desk.register(&desk.ravi, &key(3)).await.unwrap();
    let ids = |devices: Vec<Device>| devices.into_iter().map(|device| device.id).collect::<Vec<_>>();
    let (warden, all) = (desk.gate.warden, ListDevicesRequest::default());
    assert_eq!(
        ids(desk.list(desk.asha.id, Role::Student, all.clone()).await),
        std::slice::from_ref(&of_asha.id)
    );
    assert_eq!(ids(desk.list(warden, Role::Warden, all.clone()).await).len(), 3);
    let of = |pupil: &Pupil| ListDevicesRequest {
        student_id: Some(pupil.id.to_string()),
        ..ListDevicesRequest::default()
    };
    assert_eq!(ids(desk.list(warden, Role::Warden, of(&desk.ravi)).await).len(), 2);
    assert!(desk.list(desk.asha.id, Role::Student, of(&desk.ravi)).await.is_empty());
    let standing = |state: DeviceState| ListDevicesRequest {
        state: Some(state.into()),
        ..ListDevicesRequest::default()
    };
    let wait = desk.list(warden, Role::Warden, standing(DeviceState::Waiting)).await;
    assert_eq!(ids(wait), [waiting.id]);
    // Somebody else's does not exist.
    let foreign = desk.retire(desk.asha.id, Role::Student, &of_ravi.id).await.unwrap_err();
    assert_eq!(foreign.reason, "NOT_FOUND");
    let retired = desk.retire(warden, Role::Warden, &of_ravi.id).await.unwrap();
    assert_eq!(desk.retire(warden, Role::Warden, &of_ravi.id).await.unwrap(), retired);
    assert_eq!(desk.approve(&of_ravi.id).await.unwrap_err().reason, "DEVICE_RETIRED");
    let gone = desk.list(warden, Role::Warden, standing(DeviceState::Retired)).await;
    assert_eq!(ids(gone), [of_ravi.id]);
    let unknown = desk.gate.world.clock.new_id().to_string();
    assert_eq!(desk.approve(&unknown).await.unwrap_err().reason, "NOT_FOUND");
}
