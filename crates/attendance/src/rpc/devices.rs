//! `hostelpulse.attendance.v1.Devices`.

use std::sync::Arc;

use kit::{
    access::Caller,
    idempotency::{self, Attempt},
    page::Paging,
};
use proto::attendance::{
    ApproveDeviceRequest, Device, ListDevicesRequest, ListDevicesResponse, RegisterDeviceRequest, RetireDeviceRequest,
    devices_server,
};
use tonic::{Request, Response, Status};

use super::{convert, convert_devices};
use crate::{
    Error,
    operations::{
        App,
        devices::{approve, list, register, retire},
    },
};

pub(crate) struct DevicesRpc(pub Arc<App>);

#[tonic::async_trait]
impl devices_server::Devices for DevicesRpc {
    async fn register_device(&self, request: Request<RegisterDeviceRequest>) -> Result<Response<Device>, Status> {
        let (app, caller) = (&self.0, Caller::of(&request)?);
        let request = request.into_inner();
        let (key, name) = convert_devices::registration(&request)?;
        let once = match idempotency::begin(&app.db, &app.clock, &caller, "RegisterDevice", &request).await? {
            Attempt::Repeated(answer) => return Ok(Response::new(answer)),
            Attempt::First(once) => once,
        };
        let device = register::store_in_txn(app, &caller, &once, key, name).await?;
        let answer = convert_devices::device(&device, app.clock.now());
        once.commit(&answer).await.map_err(Error::from)?;
        Ok(Response::new(answer))
    }

    async fn list_devices(
        &self,
        request: Request<ListDevicesRequest>,
    ) -> Result<Response<ListDevicesResponse>, Status> {
        let (app, caller) = (&self.0, Caller::of(&request)?);
        let request = request.into_inner();
        let paging = Paging::new(request.page, request.limit)?;
        let (devices, page) = list::list(app, &caller, convert_devices::filter(&request)?, paging).await?;
        let now = app.clock.now();
        Ok(Response::new(ListDevicesResponse {
            devices: devices.iter().map(|one| convert_devices::device(one, now)).collect(),
            page: Some(page),
        }))
    }

    async fn approve_device(&self, request: Request<ApproveDeviceRequest>) -> Result<Response<Device>, Status> {
        let (app, caller) = (&self.0, Caller::of(&request)?);
        let device = approve::approve(app, &caller, convert::id("id", &request.get_ref().id)?).await?;
        Ok(Response::new(convert_devices::device(&device, app.clock.now())))
    }

    async fn retire_device(&self, request: Request<RetireDeviceRequest>) -> Result<Response<Device>, Status> {
        let (app, caller) = (&self.0, Caller::of(&request)?);
        let device = retire::retire(app, &caller, convert::id("id", &request.get_ref().id)?).await?;
        Ok(Response::new(convert_devices::device(&device, app.clock.now())))
    }
}
