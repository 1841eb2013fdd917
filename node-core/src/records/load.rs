//! Reading records from the nebula's files.

use std::sync::Arc;

use super::{
    AGAIN_MS, AGAIN_PARTS_MAX, Effect, MISSED_MS, Name, Parts, READS_MAX, Records, Spec,
    book::{Book, Kept, Page},
    form::{INPUTS_FILE_BYTES_MAX, PAGE_BYTES_MAX, Reader, SPEC_BYTES_MAX, decode_inputs},
};
use crate::{
    compute::{receipt::Verifier, spec::Inputs, wire::MODULE_BYTES_MAX},
    platform::Time,
    store::library::READ_BYTES_MAX,
};

/// What is in memory of a record.
#[derive(Debug, Default)]
pub(super) struct Load {
    pub(super) spec: Option<Spec>,
    pub(super) binary: Option<Arc<[u8]>>,
    pub(super) inputs: Option<Arc<Inputs>>,
    /// Not before then is it tried again.
    again_at: Time,
    /// How often in a row it could not be read.
    failures: u32,
    is_reading: bool,
}

/// What a file is read for.
#[derive(Clone, Debug)]
pub(super) enum What {
    Spec,
    Module,
    Inputs,
    Page(Page),
}

/// A file that is being read.
#[derive(Debug)]
pub(super) struct Reading {
    name: Name,
    what: What,
    kept: Kept,
    got: Vec<u8>,
}

impl Load {
    pub(super) fn of(spec: Spec, parts: Parts) -> Self {
        let (binary, inputs) = (Some(parts.binary), Some(parts.inputs));
        Self { spec: Some(spec), binary, inputs, ..Self::default() }
    }

    /// All of the job, where all is here.
    pub(super) fn parts(&self) -> Option<Parts> {
        let spec = self.spec.as_ref()?;
        Some(Parts {
            program: spec.program.clone(),
            module: spec.module.into_array(),
            binary: self.binary.clone()?,
            inputs: self.inputs.clone()?,
            about: spec.about.clone(),
        })
    }

    /// The next file that it lacks; of records that nobody needs only the spec.
    fn next(&self, book: &Book, is_needed: bool) -> Option<(What, Kept)> {
        let Some(spec) = &self.spec else {
            return book.spec.map(|(kept, _)| (What::Spec, kept));
        };
        if !is_needed {
            return None;
        }
        if self.binary.is_none() {
            return book.module.map(|kept| (What::Module, kept));
        }
        let lacks_list = self.inputs.is_none() && spec.range().is_none();
        book.inputs.filter(|_| lacks_list).map(|kept| (What::Inputs, kept))
    }

    /// A file came, or it did not, or is not what it should be.
    fn take(&mut self, now: Time, what: &What, bytes: Option<Vec<u8>>, tasks: u64) {
        self.is_reading = false;
        let is_good = bytes.is_some_and(|bytes| match what {
            What::Spec => {
                let is_of = |inputs: Inputs| inputs.len() == tasks && inputs.check().is_ok();
                self.spec = Spec::decode(&bytes).filter(|spec| spec.range().is_none_or(is_of));
                self.spec.is_some()
            }
            What::Module => {
                let hash = blake3::hash(&bytes);
                let is_it = |spec: &Spec| spec.module.as_slice() == hash.as_bytes();
                let is_good = self.spec.as_ref().is_some_and(is_it);
                self.binary = is_good.then(|| bytes.into());
                is_good
            }
            What::Inputs => {
                self.inputs =
                    decode_inputs(&bytes).ok().filter(|inputs| inputs.len() == tasks).map(Arc::new);
                self.inputs.is_some()
            }
            What::Page(_) => true,
        });
        if is_good {
            self.failures = 0;
        } else {
            self.fail(now);
        }
    }

    /// It is another nebula's from now on; what is here stays.
    pub(super) fn begin_again(&mut self) {
        (self.is_reading, self.failures, self.again_at) = (false, 0, Time::default());
    }

    /// Not again for a while.
    fn fail(&mut self, now: Time) {
        let parts = 1_u64.checked_shl(self.failures).unwrap_or(u64::MAX).min(AGAIN_PARTS_MAX);
        self.again_at = now.plus_ms(AGAIN_MS * parts);
        self.failures += 1;
    }
}

impl What {
    /// The most that such a file has, in bytes.
    fn bytes_max(&self) -> u64 {
        match self {
            Self::Spec => SPEC_BYTES_MAX as u64,
            Self::Module => MODULE_BYTES_MAX,
            Self::Inputs => INPUTS_FILE_BYTES_MAX,
            Self::Page(_) => PAGE_BYTES_MAX as u64,
        }
    }
}

impl Records {
    /// Reads what is needed next of each record.
    pub(super) fn load(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let mut wanted = Vec::new();
        for (name, book) in &self.books {
            let load = self.loads.entry(*name).or_default();
            if load.is_reading || now < load.again_at {
                continue;
            }
            let is_needed = self.runs.contains_key(name)
                || self.shows.get(name).is_some_and(|show| show.needs_more(book));
            if !is_needed {
                (load.binary, load.inputs) = (None, None);
            } else if load.inputs.is_none() {
                load.inputs = load.spec.as_ref().and_then(Spec::range).map(Arc::new);
            }
            let page = || {
                let show = self.shows.get(name).filter(|_| load.inputs.is_some())?;
                let page = book.page_with(show.next)?;
                Some((What::Page(page.clone()), page.kept))
            };
            let next = load.next(book, is_needed).or_else(page);
            wanted.extend(next.map(|next| (is_needed, *name, next)));
        }
        // What somebody waits for is read before what is only listed.
        ion_map::sort_by_key(&mut wanted, |(is_needed, ..)| !is_needed);
        for (_, name, (what, kept)) in wanted {
            if self.reads.len() >= READS_MAX {
                return;
            }
            if kept.1 == 0 || kept.1 > what.bytes_max() {
                if let Some(load) = self.loads.get_mut(&name) {
                    load.fail(now);
                }
                self.refuse_page(name, &what, effects);
                continue;
            }
            if let Some(load) = self.loads.get_mut(&name) {
                load.is_reading = true;
            }
            let reading = Reading { name, what, kept, got: Vec::new() };
            self.read_next(reading, effects);
        }
    }

    fn read_next(&mut self, reading: Reading, effects: &mut Vec<Effect>) {
        let request = self.next_number();
        let ((file, bytes), from) = (reading.kept, reading.got.len() as u64);
        let part = u32::try_from(bytes - from).unwrap_or(u32::MAX).min(READ_BYTES_MAX);
        self.reads.insert(request, reading);
        effects.push(Effect::Read(request, file, from, part));
    }

    /// A part of a file came.
    pub(super) fn read(
        &mut self,
        now: Time,
        request: u64,
        bytes: Option<Vec<u8>>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(mut reading) = self.reads.remove(&request) else { return };
        if let Some(bytes) = &bytes {
            reading.got.extend_from_slice(bytes);
        }
        let is_more = (reading.got.len() as u64) < reading.kept.1;
        if is_more && bytes.is_some_and(|bytes| !bytes.is_empty()) {
            return self.read_next(reading, effects);
        }
        let Reading { name, what, got, .. } = reading;
        let all = (!is_more).then_some(got);
        if let (What::Page(page), None) = (&what, &all) {
            self.miss_page(now, name, page);
        }
        let tasks = self.books.get(&name).map_or(0, Book::tasks);
        if let (What::Page(page), Some(bytes)) = (&what, &all) {
            self.take_page(name, page, bytes, effects);
        }
        if let Some(load) = self.loads.get_mut(&name) {
            load.take(now, &what, all, tasks);
            self.is_changed |= matches!(what, What::Spec);
        }
    }

    /// A page came whole: its results are told, or it is removed.
    fn take_page(&mut self, name: Name, page: &Page, bytes: &[u8], effects: &mut Vec<Effect>) {
        let Some(load) = self.loads.get(&name) else { return };
        let (Some(spec), Some(inputs)) = (&load.spec, &load.inputs) else { return };
        let keys = self.keys.clone();
        let verifier =
            Verifier::new(|by: &_, bytes: &_, signature: &_| keys.verify(by, bytes, signature));
        let reader = Reader { name, spec, inputs, verifier: &verifier };
        match reader.read(bytes, &page.span, page.author) {
            Some(results) => self.tell(name, page.span.start, &results, true, effects),
            None => self.refuse_page(name, &What::Page(page.clone()), effects),
        }
    }

    /// A page cannot be had, though somebody says that it is there: others count
    /// meanwhile.
    fn miss_page(&mut self, now: Time, name: Name, page: &Page) {
        self.missed.insert(page.path.clone(), now.plus_ms(MISSED_MS));
        if let Some(book) = self.books.get_mut(&name) {
            book.leave_out(|other| other == page);
        }
    }

    /// A page is not what its name says: its author's pages of that job do not count, and
    /// their tasks are open again.
    fn refuse_page(&mut self, name: Name, what: &What, effects: &mut Vec<Effect>) {
        let What::Page(page) = what else { return };
        self.bad.insert((name, page.author));
        effects.push(Effect::Remove(page.path.clone()));
        let Some(book) = self.books.get_mut(&name) else { return };
        book.leave_out(|other| other.author == page.author);
        // It begins anew, with what is done now.
        if let Some(run) = self.runs.get_mut(&name).filter(|run| run.is_begun) {
            run.is_begun = false;
            effects.push(Effect::Release(name));
        }
        self.is_changed = true;
    }
}
