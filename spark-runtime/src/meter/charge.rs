//! Decides where fuel is charged, and how much.
//!
//! Code is charged before it runs: at a function's entry and at the head of
//! every loop, for the longest way from there to the next loop, branch back or
//! end. So no cycle runs without a charge, and what runs was always paid for.
//!
//! Ways that are not taken are paid for too, where they are short. A stretch of
//! code without branches that costs [`STRETCH_FUEL`] or more is left out of the
//! way it lies on, and charged where it begins: a loop around a great `br_table`
//! does not cost what its dearest case would. So a branch makes at most
//! `STRETCH_FUEL` units be charged for nothing.
//!
//! So a unit of fuel buys one operator at most, not counting what is compiled to
//! nothing; `cost` has the prices.
//!
//! The way to a point is its cost since the charge it belongs to. A loop inside
//! adds nothing to the way around it: it is charged at its own head, and the code
//! after it goes on from the way to its beginning.

use wasmparser::Operator;

/// What a stretch costs at least that is charged by itself.
pub(super) const STRETCH_FUEL: u64 = 64;

/// One function's charges, as its operators come in.
pub(super) struct Charges {
    /// The function, and the loops that are open.
    regions: Vec<Region>,
    /// The blocks that are open.
    blocks: Vec<Block>,
    stretch: Stretch,
    is_dead: bool,
    found: Vec<(usize, u64)>,
}

/// What one charge at its head pays for.
struct Region {
    head: usize,
    /// The longest way from the head to here.
    way: u64,
    /// The longest way so far.
    longest: u64,
}

impl Region {
    fn new(head: usize) -> Self {
        Self { head, way: 0, longest: 0 }
    }
}

struct Block {
    kind: Kind,
    /// The region that its end lies in.
    region: usize,
    /// The longest way to its end by a branch.
    joined: Option<u64>,
}

enum Kind {
    Plain,
    Loop,
    /// The way to where it begins, as long as no `else` has come; `None` in dead code.
    If(Option<u64>),
}

/// Operators without a branch or a branch's target between them.
struct Stretch {
    at: usize,
    cost: u64,
    /// Whether a charge stands at its beginning anyway.
    is_head: bool,
}

impl Charges {
    /// Begins with a function's first operator at an offset.
    pub(super) fn new(at: usize) -> Self {
        Self {
            regions: vec![Region::new(at)],
            blocks: Vec::new(),
            stretch: Stretch { at, cost: 0, is_head: true },
            is_dead: false,
            found: Vec::new(),
        }
    }

    /// Whether the next operator can never run.
    pub(super) fn is_dead(&self) -> bool {
        self.is_dead
    }

    /// Blocks that are open around the next operator.
    pub(super) fn depth(&self) -> usize {
        self.blocks.len()
    }

    /// Charges that were found so far.
    pub(super) fn count(&self) -> usize {
        self.found.len()
    }

    /// Takes in an operator of valid code; `end` is where the next one begins.
    pub(super) fn note(&mut self, operator: &Operator<'_>, cost: u32, end: usize) {
        if !self.is_dead && !matches!(operator, Operator::Loop { .. }) {
            self.stretch.cost += u64::from(cost);
        }
        match operator {
            Operator::Block { .. } => self.open(Kind::Plain),
            Operator::Loop { .. } => self.open_loop(cost, end),
            Operator::If { .. } => {
                self.settle();
                let way = (!self.is_dead).then(|| self.region().way);
                self.open(Kind::If(way));
                self.begin(end);
            }
            Operator::Else => self.other_arm(end),
            Operator::End => self.close(end),
            Operator::Br { relative_depth } => {
                self.settle();
                self.join(*relative_depth);
                self.is_dead = true;
            }
            Operator::BrIf { relative_depth } => {
                self.settle();
                self.join(*relative_depth);
                self.begin(end);
            }
            Operator::BrTable { targets } => {
                self.settle();
                for target in targets.targets().flatten().chain([targets.default()]) {
                    self.join(target);
                }
                self.is_dead = true;
            }
            Operator::Return
            | Operator::Unreachable
            | Operator::ReturnCall { .. }
            | Operator::ReturnCallIndirect { .. } => {
                self.settle();
                self.is_dead = true;
            }
            _ => {}
        }
    }

    /// The charge at the entry, and those inside, as offsets and costs.
    pub(super) fn finish(mut self) -> (u64, Vec<(usize, u64)>) {
        self.settle();
        (self.regions[0].longest, self.found)
    }

    fn region(&mut self) -> &mut Region {
        self.regions.last_mut().expect("the function's own region stays to the end")
    }

    fn begin(&mut self, at: usize) {
        self.stretch = Stretch { at, cost: 0, is_head: false };
    }

    /// Ends the stretch, when the code before can run.
    fn settle(&mut self) {
        if self.is_dead {
            return;
        }
        let cost = std::mem::take(&mut self.stretch.cost);
        if !self.stretch.is_head && cost >= STRETCH_FUEL {
            self.found.push((self.stretch.at, cost));
            return;
        }
        let region = self.region();
        region.way += cost;
        region.longest = region.longest.max(region.way);
    }

    /// Notes a branch. Back to a loop's head, there is nothing to note: the
    /// loop's longest way has this one in it.
    fn join(&mut self, depth: u32) {
        if self.is_dead {
            return;
        }
        let target = self.blocks.len().checked_sub(depth as usize + 1);
        let Some(block) = target.and_then(|target| self.blocks.get_mut(target)) else { return };
        let way = self.regions[block.region].way;
        block.joined = block.joined.max(Some(way));
    }

    fn open(&mut self, kind: Kind) {
        self.blocks.push(Block { kind, region: self.regions.len() - 1, joined: None });
    }

    fn open_loop(&mut self, cost: u32, end: usize) {
        self.settle();
        self.open(Kind::Loop);
        self.regions.push(Region::new(end));
        let cost = if self.is_dead { 0 } else { u64::from(cost) };
        self.stretch = Stretch { at: end, cost, is_head: true };
    }

    fn other_arm(&mut self, end: usize) {
        self.settle();
        self.join(0);
        let Some(Block { kind: Kind::If(before), .. }) = self.blocks.last_mut() else { return };
        let before = before.take();
        self.is_dead = before.is_none();
        if let Some(way) = before {
            self.region().way = way;
        }
        self.begin(end);
    }

    fn close(&mut self, end: usize) {
        let Some(block) = self.blocks.last() else { return };
        if matches!(block.kind, Kind::Plain) && block.joined.is_none() {
            // Nothing comes together here: the stretch goes on.
            self.blocks.pop();
            return;
        }
        self.settle();
        self.join(0);
        let Some(block) = self.blocks.pop() else { return };
        let way = match block.kind {
            Kind::Loop => return self.close_loop(end),
            Kind::Plain => block.joined,
            Kind::If(before) => block.joined.max(before),
        };
        self.is_dead = way.is_none();
        if let Some(way) = way {
            self.region().way = way;
        }
        self.begin(end);
    }

    fn close_loop(&mut self, end: usize) {
        if let Some(region) = self.regions.pop()
            && region.longest > 0
        {
            self.found.push((region.head, region.longest));
        }
        self.begin(end);
    }
}
