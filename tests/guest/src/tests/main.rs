//! The tests of one machine, in the guest: `guest-tests MACHINE`. Each prints its line when it has
//! run.

mod answers;
mod calls;
#[path = "../../../common/mod.rs"]
mod common;
mod cuts;
mod examples;
mod expected;
mod faults;
mod gone;
mod granularity;
mod identity;
mod inspect;
mod kernel;
mod map;
mod map_table;
mod peer;
mod peer_table;
mod place;
mod programs;
mod replaced;
mod shutdowns;
mod source;
#[path = "../../../examples/structures/mod.rs"]
mod structures;
mod sysless;
mod trace;

use std::{
    fs::File,
    os::unix::fs::OpenOptionsExt,
    panic::{AssertUnwindSafe, catch_unwind, set_hook},
    sync::{Mutex, PoisonError},
};

use pmem2_guest::{
    machine::{Device, Machine},
    plan::{Check, Test},
    report::lines,
};

/// The message of the last panic.
static PANIC: Mutex<String> = Mutex::new(String::new());

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [name, boot] = &*arguments else { panic!("usage: guest-tests MACHINE BOOT") };
    let known = pmem2_guest::machines().into_iter().chain(pmem2_guest::planted());
    let machine =
        known.into_iter().find(|machine| machine.name == *name).expect("a machine of the table");
    set_hook(Box::new(|panic| {
        *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string()
    }));
    let tests: Vec<_> = if machine.cuts.is_empty() {
        machine.tests().collect()
    } else {
        cuts::run(&machine, boot.parse().expect("a number"));
        machine.tests().filter(|test| test.check == Check::Lost).collect()
    };
    for test in tests {
        let start = std::time::Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| run(&machine, &test)));
        let result =
            result.map_err(|_| PANIC.lock().unwrap_or_else(PoisonError::into_inner).clone());
        // To the console, for who wants to know where the time goes.
        eprintln!("{test}: {} ms", start.elapsed().as_millis());
        print!("{}", lines(&test, &result));
    }
}

fn run(machine: &Machine, &Test { check, device }: &Test<'_>) {
    match check {
        Check::Made => unreachable!("process 1 has made the devices"),
        Check::Kernel => kernel::agrees(machine, device),
        Check::Source => source::opened_in_every_way(device),
        Check::Size => answers::size(machine, device),
        Check::Alignment => answers::alignment(machine, device),
        Check::Place => place::gathered(machine, device),
        Check::Identity => identity::answers(machine, device),
        Check::Shutdowns => shutdowns::counted(machine, device),
        Check::Granularity => granularity::expected_and_why(machine, device),
        Check::Sysless => sysless::told(machine, device),
        Check::Map => map::as_the_table_says(machine, device),
        Check::Calls => calls::as_documented(machine, device),
        Check::Peer => peer::side_by_side(machine, device),
        Check::Inspect => inspect::json(machine, device),
        Check::Freestanding => programs::freestanding(machine, device),
        Check::Program(name) => programs::own_tests(name, device),
        Check::Bench if device.is_device_dax() => programs::bench_devdax(device),
        Check::Bench => programs::bench(machine, device),
        Check::Replaced => replaced::by_another(device),
        Check::Gone => gone::taken_away(machine, device),
        Check::Back => replaced::comes_back(device),
        Check::Fault(fault) => faults::run(fault, machine, device),
        Check::Kept(_) => unreachable!("the host compares what is there with what was reported"),
        Check::Lost => cuts::lost(device),
    }
}

/// The device, opened for reading and with these flags.
fn open(device: &Device, flags: i32) -> File {
    let opened = File::options().read(true).custom_flags(flags).open(device.path());
    opened.unwrap_or_else(|error| panic!("{}: {error}", device.path()))
}
