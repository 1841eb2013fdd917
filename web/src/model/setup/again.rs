//! The form of a job that there was, without its inputs.

use node_core::compute::{Entry, Inputs};

use super::{Form, MILLION, join};
use crate::model::{
    gallery::{Rows, SparkEntry},
    inputs::Kind,
    request::Request,
};

impl Form {
    /// The form with the settings of a request, for other inputs of the same kind.
    pub fn of_request(request: &Request) -> Self {
        let program = &request.program;
        let limits = program.limits;
        let mut form = Self {
            name: program.name.clone(),
            first: String::new(),
            last: String::new(),
            kind: kind(request),
            fuel_millions: limits.fuel_max.div_ceil(MILLION).to_string(),
            memory_mib: limits.memory_bytes_max.div_ceil(1 << 20).to_string(),
            seconds: limits.wall_ms_max.div_ceil(1000).to_string(),
            lane: program.lane,
            trust: program.trust,
            ..Self::default()
        };
        let arguments = match &program.entry {
            Entry::Json => {
                form.entry = SparkEntry::Json;
                &[]
            }
            Entry::Export { name, arguments } => {
                form.entry = SparkEntry::Export(name.clone());
                arguments.as_slice()
            }
            Entry::Command { arguments, environment, stdin } => {
                let line = |(name, value): &(String, String)| [name, "=", value].concat();
                form.environment = environment.iter().map(line).collect::<Vec<_>>().join("\n");
                form.stdin = *stdin;
                arguments.as_slice()
            }
        };
        form.arguments = join(arguments);
        form.together = request.together.told(|picture| Rows::of(picture, arguments));
        form
    }
}

fn kind(request: &Request) -> Kind {
    match request.inputs {
        Inputs::Range { .. } => Kind::Range,
        Inputs::List(_) if !request.names.is_empty() => Kind::Files,
        Inputs::List(_) => Kind::Lines,
    }
}
