//! What goes to the `log` facade, with the feature of that name; without it, nothing.

use crate::error::Refused;
use crate::state::news::Event;
use crate::types::NodeId;

#[cfg(feature = "log")]
pub(crate) fn event(node: NodeId, event: &Event) {
    match event {
        Event::Status(status) => match status.leader {
            Some(leader) => {
                log::info!("{node}: {} in term {}, {leader} leads", status.role, status.term);
            }
            None => log::info!("{node}: {} in term {}", status.role, status.term),
        },
        Event::Halted(reason) => log::error!("{node}: halted: {reason}"),
        Event::StorageFull => log::warn!("{node}: the storage is full"),
        Event::LogFull(_) | Event::CapacityDiffers { .. } | Event::FollowerLost { .. } => {
            log::warn!("{node}: {event:?}");
        }
        _ => log::debug!("{node}: {event:?}"),
    }
}

#[cfg(feature = "log")]
pub(crate) fn refused(node: NodeId, reason: Refused) {
    log::debug!("{node}: {reason}");
}

#[cfg(not(feature = "log"))]
pub(crate) fn event(_node: NodeId, _event: &Event) {}

#[cfg(not(feature = "log"))]
pub(crate) fn refused(_node: NodeId, _reason: Refused) {}
