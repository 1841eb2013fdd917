//! What answers an ion's requests, in a tab's worker or in a native thread.
//!
//! Keeps the last [`MODULES_MAX`] modules compiled, the one unused for longest
//! is dropped. A run of a module that is not here is answered, not ignored:
//! the ion loads it again. What a module was refused for is kept in its place.

use crate::{
    Clock, Lane, Module, Runtime, Stop,
    run::stopped,
    wire::{FromGuest, ModuleHash, ToGuest},
};

/// Modules kept compiled.
pub const MODULES_MAX: usize = 8;

/// Answers one request at a time.
#[derive(Default)]
pub struct Worker {
    runtime: Runtime,
    /// The most recently used last.
    modules: Vec<(ModuleHash, Result<Module, Stop>)>,
}

impl Worker {
    /// A worker that holds no module.
    pub fn new() -> Self {
        Self::default()
    }

    /// Does what is asked; returns the answer, if the request has one.
    pub fn handle(&mut self, message: ToGuest, clock: &Clock) -> Option<FromGuest> {
        match message {
            ToGuest::Load { module, binary } => {
                self.load(module, &binary);
                None
            }
            ToGuest::Run { run, module, lane, call, limits } => {
                let report = match self.find(module) {
                    Some(Ok(module)) => self.runtime.run(&module, lane, &call, &limits, clock),
                    Some(Err(stop)) => stopped(stop),
                    None => stopped(Stop::WorkerLost {
                        reason: "it no longer has the module".to_owned(),
                    }),
                };
                Some(FromGuest::Done { run, report })
            }
            ToGuest::Inspect { run, binary } => {
                Some(FromGuest::Inspected { run, result: self.runtime.inspect(&binary) })
            }
        }
    }

    fn load(&mut self, hash: ModuleHash, binary: &[u8]) {
        if self.find(hash).is_some() {
            return;
        }
        if self.modules.len() == MODULES_MAX {
            drop(self.modules.remove(0));
        }
        let module = self.runtime.load(binary);
        if let Ok(module) = &module {
            // Before the first task comes. A lane that refuses it does so again then.
            let _ = module.compile(Lane::Automatic);
        }
        self.modules.push((hash, module));
    }

    fn find(&mut self, hash: ModuleHash) -> Option<Result<Module, Stop>> {
        let at = self.modules.iter().position(|(kept, _)| *kept == hash)?;
        self.modules[at..].rotate_left(1);
        self.modules.last().map(|(_, module)| module.clone())
    }
}
