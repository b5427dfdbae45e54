//! Cuts the power at every point of a trace, and runs the recovery on every image.

use std::rc::Rc;

use crate::{
    cut::History,
    device::Device,
    disk::Disk,
    image::Image,
    machine::Machine,
    recovery::Recovery,
    trace::{Action, Trace},
    verdict::{Failure, Verdict},
};

/// An exploration: the machine, and a bound.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    machine: Machine,
    budget: usize,
}

impl Model {
    /// Returns the exploration on this machine, of at most 100,000 recoveries.
    #[must_use]
    pub const fn new(machine: Machine) -> Self {
        Self { machine, budget: 100_000 }
    }

    /// Bounds the number of recoveries. Where the bound is met, the verdict is
    /// [`Verdict::Incomplete`].
    #[must_use]
    pub const fn budget(mut self, recoveries: usize) -> Self {
        self.budget = recoveries;
        self
    }

    /// Runs `recover` on every image that it can tell from the others, at every point of the trace,
    /// with what was promised before. It reads the disk, checks what it finds, and says what is
    /// wrong. It must do the same each time that it finds the same.
    pub fn explore<P>(
        &self,
        trace: &Trace<P>,
        mut recover: impl FnMut(Disk<'_>, &[P]) -> Result<(), String>,
    ) -> Verdict {
        if !trace.events().iter().any(|event| matches!(event.action, Action::Store { .. })) {
            return Verdict::NotMeasured("the run stores nothing");
        }
        let points = trace.points();
        let mut history = History::new(trace.before(), self.machine);
        let (mut walked, mut recoveries, mut loads) = (0, 0, 0);
        for (done, &point) in points.iter().enumerate() {
            trace.events()[walked..point].iter().for_each(|event| history.step(&event.action));
            walked = point;
            let start = Image::new(Rc::new(history.cut()));
            let promised = trace.promised_before(point);
            let mut plan = Some(vec![]);
            while let Some(this) = plan {
                if recoveries == self.budget {
                    return Verdict::Incomplete { recoveries, points: done, of: points.len() };
                }
                recoveries += 1;
                let device = Device::recovering(start.clone(), this, trace.granularity());
                let said = recover(Disk::new(&device), promised);
                let Some(recovery) = device.into_recovery() else { break };
                if recovery.diverged() {
                    return Verdict::NotMeasured("the recovery does not do the same each time");
                }
                if let Err(said) = said {
                    let failure = self.failure(trace, point, said, &recovery, recoveries);
                    return Verdict::Fails(Box::new(failure));
                }
                loads += recovery.loads();
                plan = recovery.next();
            }
        }
        match loads {
            0 => Verdict::NotMeasured("the recovery reads nothing"),
            _ => Verdict::Holds { recoveries, points: points.len() },
        }
    }

    fn failure<P>(
        &self,
        trace: &Trace<P>,
        point: usize,
        said: String,
        recovery: &Recovery,
        recoveries: usize,
    ) -> Failure {
        let missing = recovery.image().missing();
        Failure::new(said, self.machine, trace.events(), point, &missing, recoveries)
    }
}
