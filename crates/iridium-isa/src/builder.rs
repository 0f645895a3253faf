//! Putting a module together, instruction by instruction.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use super::app::App;
use super::instruction::Instruction;
use super::lines::{FileId, LineTable, Location};
use super::module::verify::InvalidModule;
use super::module::{Module, Parts};
use super::operand::{DATA_BASE, Data, Import, Int, IntOut, Lit64, Target, Targets};
use super::protocol::Protocol;

/// An instruction of the module that is being built, which may come later. It is good for the
/// [`ModuleBuilder`] alone that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label(u32);

/// Builds a [`Module`].
///
/// Instructions are [pushed](Self::push) one after the other. One that names another instruction is
/// made with a [`Label`], which may be [bound](Self::bind) to its place before or after that. Data is
/// appended in the same way and gives the offset at which it lies. Nothing fails before
/// [`finish`](Self::finish), which verifies the module and says the first mistake.
///
/// ```
/// use iridium_isa::operand::{Int, IntOut, Lit32, Lit64};
/// use iridium_isa::{Instruction, Location, ModuleBuilder};
///
/// // Prints the numbers from 1 to 9, and "done".
/// let mut b = ModuleBuilder::new();
/// let file = b.add_file("count.txt");
/// b.set_location(Some(Location { file, line: 1, column: 1 }));
/// b.push(Instruction::Load { d: IntOut(0), n: Lit64(1) });
/// let (next, end) = (b.label(), b.named_label("end"));
/// b.bind(next);
/// b.push_to(end, |l| Instruction::Brgti { a: Int(0), n: Lit32(9), l });
/// b.push(Instruction::Prti { a: Int(0) });
/// b.push(Instruction::Addi { a: Int(0), n: Lit32(1), d: IntOut(0) });
/// b.jump(next);
/// b.bind(end);
/// b.set_location(Some(Location { file, line: 2, column: 1 }));
/// let done = b.string("done");
/// b.push(Instruction::Prts { s: done });
/// b.push(Instruction::Hlt {});
///
/// let module = b.finish()?;
/// assert_eq!(module.instruction_text(1), "brgt $0 #9 @end");
/// assert_eq!(module.find("end"), Some(5));
/// assert_eq!(module.data(), b"done\0");
/// # Ok::<(), iridium_isa::BuildError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ModuleBuilder {
    code: Vec<Instruction>,
    data: Arc<Vec<u8>>,
    entry: Option<Label>,
    exports: Vec<(String, Label)>,
    imports: Vec<String>,
    import_numbers: HashMap<String, u16>,
    /// The instruction of each label, once it is bound.
    labels: Vec<Option<u32>>,
    /// Names of code labels, in the order in which they were made.
    names: Vec<(String, Label)>,
    data_labels: Vec<(String, u32)>,
    fix_ups: Vec<FixUp>,
    lines: LineTable,
    /// Protocols, with the labels of their starts.
    protocols: Vec<(Protocol, Vec<Label>)>,
    /// The app, with the labels of its children.
    app: Option<(App, Vec<Label>)>,
    /// Where the instructions stand that are pushed now.
    location: Option<Location>,
    /// The first mistake.
    mistake: Option<BuildError>,
}

/// An instruction that was pushed before its label was bound.
#[derive(Debug, Clone)]
struct FixUp {
    instruction: u32,
    label: Label,
    operand: FixedOperand,
}

#[derive(Debug, Clone, Copy)]
enum FixedOperand {
    /// One of the instruction's targets, by its position among them.
    Target(usize),
    /// The literal of a `load`.
    Literal,
}

/// Why no module could be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A label is used and nowhere bound.
    #[error("{} is used and never bound", described(.0.as_deref()))]
    Unbound(Option<String>),
    /// A label is bound to two places.
    #[error("{} is bound twice", described(.0.as_deref()))]
    BoundTwice(Option<String>),
    /// A label comes from another builder.
    #[error("a label of another builder is used")]
    ForeignLabel,
    /// An instruction was made for a label and names none.
    #[error("instruction {0} was made for a label and names none")]
    NoTarget(u32),
    /// A protocol or an app was added with more or fewer labels than it has starts or children.
    #[error("`{0}` has another number of starts than of labels")]
    Starts(String),
    /// The module breaks a rule.
    #[error(transparent)]
    Invalid(#[from] InvalidModule),
}

fn described(name: Option<&str>) -> String {
    name.map_or_else(|| "a label without a name".into(), |name| format!("the label `{name}`"))
}

impl ModuleBuilder {
    /// A module without anything in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is built is appended to a module that is there already. What that has keeps its place.
    pub fn from_module(module: Module) -> Self {
        let parts = module.into_parts();
        let mut builder = Self { data: parts.data, ..Self::default() };
        builder.lines = parts.lines.unwrap_or_else(|| unplaced(parts.code.len()));
        builder.code = parts.code;
        builder.data_labels = parts.data_labels;
        for name in &parts.imports {
            builder.import(name);
        }
        for (name, at) in parts.code_labels {
            let label = builder.named_label(name);
            builder.bind_at(label, at);
        }
        for (name, at) in parts.exports {
            let label = builder.label_at(at);
            builder.export(name, label);
        }
        for protocol in parts.protocols {
            let starts = protocol.starts.iter().map(|start| builder.label_at(start.entry));
            let starts: Vec<Label> = starts.collect();
            builder.add_protocol(protocol, &starts);
        }
        if let Some(app) = parts.app {
            let children = app.children.iter().map(|child| builder.label_at(child.entry));
            let children: Vec<Label> = children.collect();
            builder.set_app(app, &children);
        }
        builder.entry = Some(builder.label_at(parts.entry));
        builder
    }

    /// Makes room for this many more instructions at once, for whoever knows their number.
    pub fn reserve(&mut self, instructions: usize) {
        self.code.reserve(instructions);
        self.lines.reserve(instructions);
    }

    /// Appends an instruction.
    pub fn push(&mut self, instruction: Instruction) {
        self.code.push(instruction);
        self.lines.push(self.location);
    }

    /// Appends an instruction that names one label: `make` gets the operand for it.
    pub fn push_to(&mut self, label: Label, make: impl FnOnce(Target) -> Instruction) {
        let target = self.target(label, 0);
        let instruction = make(Target(target));
        if instruction.targets().is_empty() {
            self.fail(BuildError::NoTarget(self.position()));
        }
        self.push(instruction);
    }

    /// Appends `djmp`: a jump to the label.
    pub fn jump(&mut self, to: Label) {
        self.push_to(to, |l| Instruction::Djmp { l });
    }

    /// Appends `call`: a call of the label in the same window.
    pub fn call(&mut self, to: Label) {
        self.push_to(to, |l| Instruction::Call { l });
    }

    /// Appends `jtab`: a jump to the label whose position is in `a`, counted from 0.
    pub fn jump_table(&mut self, a: Int, to: &[Label]) {
        let targets = to.iter().enumerate().map(|(nth, label)| self.target(*label, nth));
        let targets = targets.collect();
        self.push(Instruction::Jtab { a, l: Targets(targets) });
    }

    /// Appends a `load` of the index of an instruction, which computed jumps and calls take.
    pub fn load_label(&mut self, d: IntOut, label: Label) {
        let index = self.resolve_or_fix(label, FixedOperand::Literal);
        self.push(Instruction::Load { d, n: Lit64(i64::from(index)) });
    }

    /// Appends a `load` of the address of data.
    pub fn load_address(&mut self, d: IntOut, data: Data) {
        self.push(Instruction::Load { d, n: Lit64(DATA_BASE + i64::from(data.0)) });
    }

    /// The index of the instruction that is pushed next.
    pub fn position(&self) -> u32 {
        self.code.len() as u32
    }

    /// A label that is not yet bound, and that has no name in the module.
    pub fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() as u32 - 1)
    }

    /// A label that is not yet bound, and whose name is kept in the module for traps and listings.
    pub fn named_label(&mut self, name: impl Into<String>) -> Label {
        let label = self.label();
        self.names.push((name.into(), label));
        label
    }

    /// Binds a label to the instruction that is pushed next.
    pub fn bind(&mut self, label: Label) {
        self.bind_at(label, self.position());
    }

    /// Binds a label to the instruction with this index, which may be pushed later.
    pub fn bind_at(&mut self, label: Label, index: u32) {
        match self.labels.get_mut(label.0 as usize) {
            Some(place @ None) => *place = Some(index),
            Some(Some(_)) => self.fail(BuildError::BoundTwice(self.name(label))),
            None => self.fail(BuildError::ForeignLabel),
        }
    }

    /// A label without a name for the instruction with this index.
    pub fn label_at(&mut self, index: u32) -> Label {
        let label = self.label();
        self.bind_at(label, index);
        label
    }

    /// Begins the module's processes at a label. They begin at the first instruction when this is
    /// not called.
    pub fn entry(&mut self, label: Label) {
        self.entry = Some(label);
    }

    /// Lets processes be spawned at a label by name from elsewhere. A label with the same name must
    /// be this one.
    pub fn export(&mut self, name: impl Into<String>, label: Label) {
        self.exports.push((name.into(), label));
    }

    /// Adds what an inbox understands. The entries of its starts are those of the labels, in order.
    pub fn add_protocol(&mut self, protocol: Protocol, starts: &[Label]) {
        if starts.len() != protocol.starts.len() {
            self.fail(BuildError::Starts(protocol.name.to_string()));
        }
        self.protocols.push((protocol, starts.to_vec()));
    }

    /// Has the module run as an app. The entries of its children are those of the labels, in order.
    pub fn set_app(&mut self, app: App, children: &[Label]) {
        if children.len() != app.children.len() {
            self.fail(BuildError::Starts(app.name.clone()));
        }
        self.app = Some((app, children.to_vec()));
    }

    /// The operand for a host function, which is imported if it is not yet.
    pub fn import(&mut self, name: &str) -> Import {
        if let Some(number) = self.import_numbers.get(name) {
            return Import(*number);
        }
        // A module with more imports than there are numbers is refused in the end.
        let number = u16::try_from(self.imports.len()).unwrap_or(u16::MAX);
        self.imports.push(name.to_owned());
        self.import_numbers.insert(name.to_owned(), number);
        Import(number)
    }

    /// Names data, for listings.
    pub fn name_data(&mut self, name: impl Into<String>, at: Data) {
        self.data_labels.push((name.into(), at.0));
    }

    /// Where the data begins that is appended next.
    pub fn data_position(&self) -> Data {
        Data(self.data.len() as u32)
    }

    /// Appends bytes to the read-only data. Returns where they begin, as all that append data do.
    pub fn bytes<'b>(&mut self, bytes: impl Into<Cow<'b, [u8]>>) -> Data {
        let at = self.data_position();
        match bytes.into() {
            Cow::Owned(bytes) if self.data.is_empty() => self.data = bytes.into(),
            // Nothing is appended where nothing is new: that would copy what is shared.
            bytes if bytes.is_empty() => {}
            bytes => self.data_mut().extend_from_slice(&bytes),
        }
        at
    }

    /// Appends a text and the NUL that ends it, as `prts` and `register` need it.
    pub fn string(&mut self, text: &str) -> Data {
        let at = self.bytes(text.as_bytes());
        self.data_mut().push(0);
        at
    }

    /// Appends integers of 64 bits.
    pub fn integers(&mut self, numbers: &[i64]) -> Data {
        let at = self.data_position();
        self.data_mut().extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        at
    }

    /// Appends floats.
    pub fn floats(&mut self, numbers: &[f64]) -> Data {
        let at = self.data_position();
        self.data_mut().extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        at
    }

    /// Appends zero bytes until what comes next begins at a multiple of `to` bytes.
    pub fn align_data(&mut self, to: usize) -> Data {
        let length = self.data.len().next_multiple_of(to.max(1));
        self.data_mut().resize(length, 0);
        self.data_position()
    }

    /// Adds a source file. Ids count up from 0: when the files of a [`Sources`](crate::Sources) are
    /// added in their order, its locations are good here.
    pub fn add_file(&mut self, name: impl Into<String>) -> FileId {
        self.lines.add_file(name)
    }

    /// Says where in its source what is pushed from now on stands; `None` when nowhere.
    pub fn set_location(&mut self, location: Option<Location>) {
        self.location = location;
    }

    /// The module.
    ///
    /// # Errors
    /// The first mistake that was made in building it, or the first rule of
    /// [`verify`](crate::module::verify) that it breaks.
    pub fn finish(mut self) -> Result<Module, BuildError> {
        for fix_up in std::mem::take(&mut self.fix_ups) {
            self.fix(&fix_up)?;
        }
        let entry = self.entry.map_or(Ok(0), |label| self.place(label))?;
        let exports = std::mem::take(&mut self.exports);
        let exports = self.placed(exports)?;
        let names = std::mem::take(&mut self.names);
        let code_labels = self.placed(names)?;
        let protocols = std::mem::take(&mut self.protocols);
        let protocols =
            protocols.into_iter().map(|(protocol, starts)| self.started(protocol, &starts));
        let protocols = protocols.collect::<Result<_, _>>()?;
        let app = std::mem::take(&mut self.app);
        let app = app.map(|(app, children)| self.placed_app(app, &children)).transpose()?;
        if let Some(mistake) = self.mistake {
            return Err(mistake);
        }
        let placed = !self.lines.files().is_empty();
        Ok(Module::verified(Parts {
            code: self.code,
            data: self.data,
            entry,
            exports,
            imports: self.imports,
            code_labels,
            data_labels: self.data_labels,
            lines: placed.then_some(self.lines),
            protocols,
            app,
        })?)
    }

    fn target(&mut self, label: Label, nth: usize) -> u32 {
        self.resolve_or_fix(label, FixedOperand::Target(nth))
    }

    /// The instruction of a label for the operand of the instruction that is pushed next. When it is
    /// not yet known, that is noted, and any number will do for now.
    fn resolve_or_fix(&mut self, label: Label, operand: FixedOperand) -> u32 {
        if let Some(Some(index)) = self.labels.get(label.0 as usize) {
            return *index;
        }
        self.fix_ups.push(FixUp { instruction: self.position(), label, operand });
        0
    }

    fn fix(&mut self, fix_up: &FixUp) -> Result<(), BuildError> {
        let index = self.place(fix_up.label)?;
        let missing = BuildError::NoTarget(fix_up.instruction);
        match (self.code.get_mut(fix_up.instruction as usize), fix_up.operand) {
            (Some(Instruction::Load { n, .. }), FixedOperand::Literal) => n.0 = i64::from(index),
            (Some(instruction), FixedOperand::Target(nth)) => {
                *instruction.targets_mut().get_mut(nth).ok_or(missing)? = index;
            }
            _ => return Err(missing),
        }
        Ok(())
    }

    fn placed(&self, names: Vec<(String, Label)>) -> Result<Vec<(String, u32)>, BuildError> {
        names.into_iter().map(|(name, label)| Ok((name, self.place(label)?))).collect()
    }

    /// A protocol whose starts are where their labels are bound.
    fn started(&self, mut protocol: Protocol, labels: &[Label]) -> Result<Protocol, BuildError> {
        for (start, label) in protocol.starts.iter_mut().zip(labels) {
            start.entry = self.place(*label)?;
        }
        Ok(protocol)
    }

    /// An app whose children begin where their labels are bound.
    fn placed_app(&self, mut app: App, labels: &[Label]) -> Result<App, BuildError> {
        for (child, label) in app.children.iter_mut().zip(labels) {
            child.entry = self.place(*label)?;
        }
        Ok(app)
    }

    fn place(&self, label: Label) -> Result<u32, BuildError> {
        let place = self.labels.get(label.0 as usize).ok_or(BuildError::ForeignLabel)?;
        place.ok_or_else(|| BuildError::Unbound(self.name(label)))
    }

    fn name(&self, label: Label) -> Option<String> {
        self.names.iter().find(|(_, named)| *named == label).map(|(name, _)| name.clone())
    }

    fn data_mut(&mut self) -> &mut Vec<u8> {
        Arc::make_mut(&mut self.data)
    }

    fn fail(&mut self, mistake: BuildError) {
        self.mistake.get_or_insert(mistake);
    }
}

/// The lines of a module without any.
fn unplaced(code: usize) -> LineTable {
    let mut lines = LineTable::new();
    (0..code).for_each(|_| lines.push(None));
    lines
}
