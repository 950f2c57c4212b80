//! A file on its way into the store, through the inspector.

use std::io;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::sync::oneshot;

use super::{Inspected, Inspector};
use crate::{
    Fault,
    files::{Body, Incoming},
};

/// A piece of a PDF may unfold to many times its length: pieces are small, and others run in between.
const PIECE: usize = 64 * 1024;

/// What came of a file, once its body has ended.
pub struct Verdict(oneshot::Receiver<Result<Inspected, Fault>>);

impl Verdict {
    /// What the file is, or why it is not taken; `None` where its body did not come to an end.
    pub fn reached(mut self) -> Option<Result<Inspected, Fault>> {
        self.0.try_recv().ok()
    }
}

/// The body of what is kept of a file. It breaks off where the file does, and where the inspector finds something wrong:
/// then nothing becomes visible in the store.
pub fn inspected(file: Incoming, longest: u64) -> (Body, Verdict) {
    let (tell, verdict) = oneshot::channel();
    let passing = Passing {
        file,
        rest: Bytes::new(),
        inspector: Inspector::new(),
        left: longest,
        longest,
    };
    let steps = stream::try_unfold(Some((passing, tell)), |state| async {
        let Some((mut passing, tell)) = state else {
            return Ok(None);
        };
        match passing.next().await {
            Ok(Some(kept)) => Ok(Some((kept, Some((passing, tell))))),
            Ok(None) => passing.finish(tell).map(|()| None),
            // Whoever waited for the verdict is gone with the upload: then nobody is told.
            Err(error) => {
                let _ = tell.send(Err(error));
                Err(refused())
            }
        }
    });
    (steps.boxed(), Verdict(verdict))
}

struct Passing {
    file: Incoming,
    /// What has come of the file and was not looked at.
    rest: Bytes,
    inspector: Inspector,
    left: u64,
    longest: u64,
}

impl Passing {
    /// The next bytes that are kept; `None` at the end of the file.
    async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            if self.rest.is_empty() {
                let Some(piece) = self.file.next().await? else {
                    return Ok(None);
                };
                self.rest = piece;
            }
            let piece = self.rest.split_to(self.rest.len().min(PIECE));
            self.left = self
                .left
                .checked_sub(piece.len() as u64)
                .ok_or_else(|| Fault::too_large("The file", self.longest))?;
            let mut kept = Vec::with_capacity(piece.len());
            self.inspector.push(&piece, &mut kept)?;
            tokio::task::yield_now().await;
            if !kept.is_empty() {
                return Ok(Some(kept.into()));
            }
        }
    }

    fn finish(self, tell: oneshot::Sender<Result<Inspected, Fault>>) -> io::Result<()> {
        let verdict = self.inspector.finish().map_err(Fault::from);
        let is_sound = verdict.is_ok();
        let _ = tell.send(verdict);
        if is_sound { Ok(()) } else { Err(refused()) }
    }
}

fn refused() -> io::Error {
    io::Error::other("the file is not taken")
}
