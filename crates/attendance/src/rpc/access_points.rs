//! `hostelpulse.attendance.v1.AccessPoints`.

use std::sync::Arc;

use kit::{Fault, access::Caller};
use proto::attendance::{BlockAccessPoints, GetAccessPointsRequest, SetAccessPointsRequest, access_points_server};
use tonic::{Request, Response, Status};

use super::convert_devices;
use crate::operations::{
    App,
    access_points::{self, BlockPoints},
};

/// Most access points of a block.
const MOST: usize = 200;
/// Most characters of a block's name.
const LONGEST_BLOCK: usize = 20;

pub(crate) struct AccessPointsRpc(pub Arc<App>);

#[tonic::async_trait]
impl access_points_server::AccessPoints for AccessPointsRpc {
    async fn set_access_points(
        &self,
        request: Request<SetAccessPointsRequest>,
    ) -> Result<Response<BlockAccessPoints>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        named(&request.block)?;
        if request.access_points.len() > MOST {
            return Err(Fault::invalid("access_points", "must have at most 200 items").into());
        }
        let points = convert_devices::known_points(&request.access_points)?;
        Ok(answer(
            access_points::set(&self.0, &caller, &request.block, points).await?,
        ))
    }

    async fn get_access_points(
        &self,
        request: Request<GetAccessPointsRequest>,
    ) -> Result<Response<BlockAccessPoints>, Status> {
        let block = &request.get_ref().block;
        named(block)?;
        Ok(answer(access_points::get(&self.0, block).await?))
    }
}

fn named(block: &str) -> Result<(), Fault> {
    let name = block.trim();
    if name.is_empty() || name.chars().count() > LONGEST_BLOCK || name.contains(char::is_control) {
        return Err(Fault::invalid("block", "must be one line of 1 to 20 characters"));
    }
    Ok(())
}

fn answer(known: BlockPoints) -> Response<BlockAccessPoints> {
    Response::new(convert_devices::block_points(known.block, &known.points))
}
