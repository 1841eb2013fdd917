//! What a job's record is made of, as files and their paths.
//!
//! All of one job stands in one folder, `.jobs/JOB-OWNER`:
//! - `spec-TASKS`: the program and what it runs over, see [`Spec`];
//! - `module`: the binary; `inputs`: those of a list;
//! - `pages/FIRST-END-ION`: results of the tasks from the first up to the end, as
//!   that ion had them when it coordinated the job;
//! - `cancelled`.
//! - `paused`, while its owner wants no more tasks to be given out.
//!
//! So the names alone say how far a job is, and all ions have those. A file counts
//! if the ion wrote it whose it has to be: a page its coordinator, all else the
//! owner.
//!
//! Bounds: those of jobs; [`SPEC_BYTES_MAX`], [`PAGE_BYTES_MAX`], [`ABOUT_BYTES_MAX`].

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::{
    codec,
    compute::{
        JobId, JobName as Name,
        coordinator::Done,
        receipt::{Hash, Terms, Verifier, call_hash, input_hash, report_hash},
        spans::Span,
        spec::{Input, Inputs, InputsError, Program, TASKS_MAX},
        trust::{COPIES_MAX, Trust},
        wire::{INPUT_BYTES_MAX, check_program, check_report},
    },
    identity::IonId,
    store::files::{FilePath, JOBS},
};

/// An encoded [`Spec`], in bytes.
pub const SPEC_BYTES_MAX: usize = 64 << 10;
/// An encoded page, in bytes.
pub const PAGE_BYTES_MAX: usize = 8 << 20;
/// What an owner's page says beside the program, in bytes.
pub const ABOUT_BYTES_MAX: usize = 1 << 10;
/// The version of both forms.
const VERSION: u32 = 1;

/// Which file of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Its spec, of so many tasks.
    Spec(u64),
    /// The binary.
    Module,
    /// The inputs of a list.
    Inputs,
    /// Its owner wants no more of it.
    Cancelled,
    /// Its owner wants no task of it to be given out for now.
    Paused,
    /// Results, and whose they are.
    Page(Span, IonId),
}

impl Name {
    /// The folder of its record.
    pub fn folder(&self) -> FilePath {
        parsed(&format!("{JOBS}/{:016x}-{}", self.job, self.owner))
    }

    /// Where a file of its record stands.
    pub fn path(&self, place: &Place) -> FilePath {
        let folder = self.folder();
        parsed(&match place {
            Place::Spec(tasks) => format!("{folder}/spec-{tasks}"),
            Place::Module => format!("{folder}/module"),
            Place::Inputs => format!("{folder}/inputs"),
            Place::Cancelled => format!("{folder}/cancelled"),
            Place::Paused => format!("{folder}/paused"),
            Place::Page(span, ion) => format!("{folder}/pages/{}-{}-{ion}", span.start, span.end),
        })
    }

    /// Which file of which record stands at a path, where one may, and its author's
    /// word counts there.
    pub fn of_path(path: &FilePath, author: IonId) -> Option<(Self, Place)> {
        let below = path.as_str().strip_prefix(JOBS)?.strip_prefix('/')?;
        let (folder, file) = below.split_once('/')?;
        let (job, owner) = folder.split_once('-')?;
        let name = Self { job: JobId::from_str_radix(job, 16).ok()?, owner: owner.parse().ok()? };
        let place = match file {
            "module" => Place::Module,
            "inputs" => Place::Inputs,
            "cancelled" => Place::Cancelled,
            "paused" => Place::Paused,
            _ => match (file.strip_prefix("spec-"), file.strip_prefix("pages/")) {
                (Some(tasks), _) => Place::Spec(tasks.parse().ok()?),
                (_, Some(page)) => page_of(page)?,
                _ => return None,
            },
        };
        let writer = if let Place::Page(_, ion) = &place { *ion } else { name.owner };
        let is_usual = name.path(&place) == *path;
        (writer == author && is_usual).then_some((name, place))
    }
}

fn page_of(page: &str) -> Option<Place> {
    let mut parts = page.splitn(3, '-');
    let (start, end) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let is_span = start < end && end <= TASKS_MAX;
    is_span.then_some(Place::Page(start..end, parts.next()?.parse().ok()?))
}

fn parsed(path: &str) -> FilePath {
    path.parse().expect("it is made of plain names")
}

/// A job without its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    version: u32,
    /// What to run.
    pub program: Program,
    /// The binary's hash.
    pub module: Hash,
    /// The integers that it runs over, both included; `None` where a list stands
    /// beside it.
    range: Option<(i64, i64)>,
    /// What its owner's page has to know of it again.
    pub about: String,
}

impl Spec {
    /// Of a job that was checked.
    pub fn new(program: Program, module: Hash, inputs: &Inputs, about: String) -> Self {
        let range = match inputs {
            Inputs::Range { first, last } => Some((*first, *last)),
            Inputs::List(_) => None,
        };
        Self { version: VERSION, program, module, range, about }
    }

    /// As a file.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// From a file; `None` where it is none that ions take.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let spec = codec::decode::<Self>(bytes, SPEC_BYTES_MAX)?;
        let is_sound = spec.version == VERSION
            && check_program(&spec.program).is_ok()
            && spec.about.len() <= ABOUT_BYTES_MAX;
        is_sound.then_some(spec)
    }

    /// The inputs, where they stand in the spec itself.
    pub fn range(&self) -> Option<Inputs> {
        self.range.map(|(first, last)| Inputs::Range { first, last })
    }
}

/// The inputs of a list as a file; `None` where they need none.
pub fn encode_inputs(inputs: &Inputs) -> Option<Vec<u8>> {
    if let Inputs::List(items) = inputs { Some(codec::encode(items)) } else { None }
}

/// The inputs of a list from a file.
///
/// # Errors
/// [`InputsError`], also of what is no list.
pub fn decode_inputs(bytes: &[u8]) -> Result<Inputs, InputsError> {
    let items = codec::decode::<Vec<Input>>(bytes, bytes.len()).unwrap_or_default();
    let inputs = Inputs::List(items);
    inputs.check().map(|()| inputs)
}

/// The most that a list of inputs takes as a file, in bytes.
pub const INPUTS_FILE_BYTES_MAX: u64 =
    crate::compute::spec::INPUTS_BYTES_MAX as u64 + TASKS_MAX * 9;

/// Results as a file.
pub fn encode_page(results: &[Done]) -> Vec<u8> {
    let rows: Vec<_> =
        results.iter().map(|done| (&done.ion, &done.report, &done.receipts)).collect();
    codec::encode(&(VERSION, rows))
}

/// What a reader of pages knows of the job.
pub struct Reader<'a, F: Fn(&IonId, &[u8], &[u8; 64]) -> bool> {
    /// The job.
    pub name: Name,
    /// Its spec.
    pub spec: &'a Spec,
    /// Its inputs.
    pub inputs: &'a Inputs,
    /// Checks receipts.
    pub verifier: &'a Verifier<F>,
}

impl<F: Fn(&IonId, &[u8], &[u8; 64]) -> bool> Reader<'_, F> {
    /// The results of a page by that author; `None` where they are not those of the
    /// span, are larger than the job allows, or lack the receipts that the job's
    /// trust asks for. The owner's own pages need none.
    pub fn read(&self, bytes: &[u8], span: &Span, author: IonId) -> Option<Vec<Done>> {
        let (version, rows) =
            codec::decode::<(u32, Vec<(IonId, _, Vec<ByteBuf>)>)>(bytes, PAGE_BYTES_MAX)?;
        let row = |(ion, report, receipts)| Done { ion, report, receipts };
        let results: Vec<Done> = rows.into_iter().map(row).collect();
        let is_whole = version == VERSION && results.len() as u64 == span.end - span.start;
        let is_owners = author == self.name.owner;
        let terms = Terms {
            module: self.spec.module,
            call: call_hash(&self.spec.program),
            owner: self.name.owner,
            job: self.name.job,
        };
        let limits = &self.spec.program.limits;
        let is_good = |(task, done): (u64, &Done)| {
            done.receipts.len() <= usize::from(COPIES_MAX)
                && check_report(&done.report, limits).is_ok()
                && (is_owners || self.is_vouched_for(&terms, task, done))
        };
        let is_sound = is_whole && span.clone().zip(&results).all(is_good);
        is_sound.then_some(results)
    }

    fn is_vouched_for(&self, terms: &Terms, task: u64, done: &Done) -> bool {
        let Some(input) = self.inputs.get(task) else { return false };
        let (input, output) = (input_hash(&input), report_hash(&done.report));
        let mut ions = Vec::new();
        for receipt in &done.receipts {
            let Ok(receipt) = self.verifier.verify(receipt) else { return false };
            let is_this = receipt.is_of(terms, task) && receipt.input == input;
            if is_this && receipt.output == output && !ions.contains(&receipt.ion) {
                ions.push(receipt.ion);
            }
        }
        ions.contains(&done.ion) && ions.len() >= vouchers(self.spec.program.trust)
    }
}

/// How many ions must have signed a result for others than the owner to believe it.
pub fn vouchers(trust: Trust) -> usize {
    if let Trust::Copies(_) = trust { trust.ions() } else { 1 }
}

// A single input always fits.
const _: () = assert!((INPUT_BYTES_MAX as u64) < INPUTS_FILE_BYTES_MAX);
