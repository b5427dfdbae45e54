//! Memory that goes bad.

mod bed;
mod clear;
mod commands;
mod extents;
mod gone;
mod ground;
mod inject;
mod lists;
mod noted;
mod peer;
mod peer_table;
mod poisoned;
mod refused;
mod rows;
mod scanned;
mod sectors;
mod transfers;

use pmem2_guest::{
    machine::{Device, Machine},
    plan::Fault,
};

pub(crate) fn run(fault: Fault, machine: &Machine, device: &Device) {
    noted::install();
    match fault {
        Fault::Rows => rows::as_said(machine, device),
        Fault::Transfers => transfers::survive(machine, device),
        Fault::Scanned => scanned::told_with_a_status(machine, device),
        Fault::Lists => lists::exactly_what_was_made_bad(machine, device),
        Fault::Poisoned => poisoned::while_it_is_read(machine, device),
        Fault::Peer => peer::side_by_side(machine, device),
        Fault::Cleared => clear::other_memory(machine, device),
        Fault::Commands => commands::clear_for_good(machine, device),
        Fault::Refused => refused::with_a_reason(machine, device),
        Fault::Sectors => sectors::without_a_list(machine, device),
        Fault::Gone => gone::while_it_is_read(machine, device),
        Fault::Many => lists::cut_off(machine, device),
    }
}
