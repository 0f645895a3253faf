//! How values of each type lie in registers and in blocks.
//!
//! A value is a few *parts*, each an integer, a float or a pointer. In registers a record of at most
//! [`MAX_PARTS`] is its parts; a larger one is a pointer to a block of them. Of the other forms see
//! [`Form`].

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::core::{self, Type};
use crate::mir::{Class, GlueIdx};

/// How many parts a value may have in registers.
pub(super) const MAX_PARTS: usize = 4;

/// How the values of one type lie.
#[derive(Debug)]
pub(super) struct Shape {
    /// The classes of its registers.
    pub(super) parts: Vec<Class>,
    pub(super) layout: Layout,
    /// It is one pointer that is never 0.
    pub(super) never_zero: bool,
}

#[derive(Debug)]
pub(super) enum Layout {
    /// It is not taken apart.
    Scalar,
    Product(Product),
    Sum(Sum),
}

/// A record or a tuple.
#[derive(Debug)]
pub(super) struct Product {
    pub(super) fields: Fields,
    /// It is a pointer to a block of the cells.
    pub(super) boxed: bool,
}

#[derive(Debug)]
pub(super) struct Sum {
    pub(super) variants: Vec<Fields>,
    pub(super) form: Form,
}

/// How an enum tells its variants apart.
#[derive(Debug)]
pub(super) enum Form {
    /// None has a payload: it is the number of the variant.
    Number,
    /// One variant is nothing but a pointer, the other is 0.
    Niche { none: u32 },
    /// The number of the variant (if there are several), then parts that the variants share: the
    /// cells of each are at these positions. Parts that a variant does not have are 0.
    Tagged { tag: bool, slots: Vec<Vec<usize>> },
    /// A block with the variant in its head, or the odd number 2k+1 for a variant k without cells.
    Boxed,
}

/// What a record or variant consists of.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) types: Vec<Type>,
    /// Where each field begins among the cells.
    pub(super) first: Vec<usize>,
    /// The parts of all fields.
    pub(super) cells: Vec<Class>,
}

/// What glue is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Strings and bytes.
    Bytes,
    /// Lists with elements of this type.
    List(Type),
    /// A block of these cells.
    Cells(Vec<Class>),
    /// A record, tuple or enum that is a block.
    Of(Type),
    /// All closures.
    Closure,
}

/// The shapes of all types that occur, and the glue of their pointers.
pub(super) struct Types<'a> {
    program: &'a core::Program,
    shapes: HashMap<Type, State>,
    kinds: Vec<Kind>,
    glue: HashMap<Kind, GlueIdx>,
    copied: HashSet<GlueIdx>,
}

enum State {
    /// Its shape is being found out; whether it was met again meanwhile.
    Open(bool),
    Done(Rc<Shape>),
}

impl<'a> Types<'a> {
    pub(super) fn new(program: &'a core::Program) -> Self {
        let (shapes, glue) = (HashMap::new(), HashMap::new());
        Self { program, shapes, kinds: Vec::new(), glue, copied: HashSet::new() }
    }

    /// The shape of a type without parameters.
    pub(super) fn shape(&mut self, ty: &Type) -> Rc<Shape> {
        match self.shapes.get_mut(ty) {
            Some(State::Done(shape)) => return Rc::clone(shape),
            Some(State::Open(again)) => {
                *again = true;
                return Rc::new(self.pointer(Kind::Of(ty.clone())));
            }
            None => {}
        }
        self.shapes.insert(ty.clone(), State::Open(false));
        let found = self.find(ty);
        self.shapes.insert(ty.clone(), State::Done(Rc::clone(&found)));
        found
    }

    /// The classes of a value's registers.
    pub(super) fn parts(&mut self, ty: &Type) -> Vec<Class> {
        self.shape(ty).parts.clone()
    }

    /// The class of a cell that holds a whole value: one of several parts is in a block of its own.
    pub(super) fn cell(&mut self, ty: &Type) -> Class {
        let shape = self.shape(ty);
        match shape.parts.as_slice() {
            [] => Class::Int,
            [one] => *one,
            several => Class::Ptr(self.glue(Kind::Cells(several.to_vec()))),
        }
    }

    pub(super) fn glue(&mut self, kind: Kind) -> GlueIdx {
        if let Some(known) = self.glue.get(&kind) {
            return *known;
        }
        let index = GlueIdx(self.kinds.len() as u32);
        self.kinds.push(kind.clone());
        self.glue.insert(kind, index);
        index
    }

    /// What the glue at this position is for, if there is so much.
    pub(super) fn kind(&self, glue: GlueIdx) -> Option<&Kind> {
        self.kinds.get(glue.0 as usize)
    }

    /// Blocks with this glue may have to be copied before they are changed.
    pub(super) fn is_copied(&mut self, glue: GlueIdx) {
        self.copied.insert(glue);
    }

    /// Whether [`is_copied`](Self::is_copied) was said of it.
    pub(super) fn has_copies(&self, glue: GlueIdx) -> bool {
        self.copied.contains(&glue)
    }

    fn find(&mut self, ty: &Type) -> Rc<Shape> {
        let shape = match ty {
            Type::Int | Type::Bool | Type::Char | Type::Duration | Type::Node | Type::Pid(_) => {
                scalar(vec![Class::Int])
            }
            Type::Float => scalar(vec![Class::Float]),
            Type::Never | Type::Param(_) => scalar(Vec::new()),
            Type::Reply(_) => scalar(vec![Class::Int, Class::Int]),
            Type::String | Type::Bytes => self.pointer(Kind::Bytes),
            Type::List(element) => self.pointer(Kind::List(stored(element))),
            Type::Fn(_) => self.pointer(Kind::Closure),
            Type::Tuple(types) => self.product(ty, types.to_vec()),
            Type::Record(id, args) => {
                let fields = &self.program.records[id.0 as usize].fields;
                let types = fields.iter().map(|(_, ty)| ty.substitute(args)).collect();
                self.product(ty, types)
            }
            Type::Enum(id, args) => self.sum(ty, *id, args),
        };
        Rc::new(shape)
    }

    fn pointer(&mut self, kind: Kind) -> Shape {
        let parts = vec![Class::Ptr(self.glue(kind))];
        Shape { parts, layout: Layout::Scalar, never_zero: true }
    }

    fn product(&mut self, ty: &Type, types: Vec<Type>) -> Shape {
        let (fields, never_zero) = self.fields(types);
        let boxed = fields.cells.len() > MAX_PARTS || self.is_recursive(ty);
        if boxed {
            let shape = self.pointer(Kind::Of(ty.clone()));
            return Shape { layout: Layout::Product(Product { fields, boxed }), ..shape };
        }
        let parts = fields.cells.clone();
        Shape { parts, layout: Layout::Product(Product { fields, boxed }), never_zero }
    }

    fn sum(&mut self, ty: &Type, id: core::EnumId, args: &[Type]) -> Shape {
        let declared = &self.program.enums[id.0 as usize].variants;
        let mut variants = Vec::new();
        let mut never_zero = Vec::new();
        for variant in declared {
            let types = variant.fields.iter().map(|(_, ty)| ty.substitute(args)).collect();
            let (fields, pointer) = self.fields(types);
            variants.push(fields);
            never_zero.push(pointer);
        }
        let (parts, form) = match self.form(ty, &variants, &never_zero) {
            Some(found) => found,
            None => (self.pointer(Kind::Of(ty.clone())).parts, Form::Boxed),
        };
        let never_zero = matches!(form, Form::Boxed)
            || (variants.len() == 1 && never_zero.first().is_some_and(|pointer| *pointer));
        Shape { parts, layout: Layout::Sum(Sum { variants, form }), never_zero }
    }

    /// How an enum is in registers; `None`: in a block.
    fn form(
        &self,
        ty: &Type,
        variants: &[Fields],
        never_zero: &[bool],
    ) -> Option<(Vec<Class>, Form)> {
        if self.is_recursive(ty) {
            return None;
        }
        if variants.len() > 1 && variants.iter().all(|fields| fields.cells.is_empty()) {
            return Some((vec![Class::Int], Form::Number));
        }
        if let [a, b] = variants {
            let pointer = |n: usize| never_zero[n].then(|| variants[n].cells.clone());
            if let (true, Some(cells)) = (a.cells.is_empty(), pointer(1)) {
                return Some((cells, Form::Niche { none: 0 }));
            }
            if let (true, Some(cells)) = (b.cells.is_empty(), pointer(0)) {
                return Some((cells, Form::Niche { none: 1 }));
            }
        }
        let tag = variants.len() > 1;
        let mut parts = if tag { vec![Class::Int] } else { Vec::new() };
        let slots = variants.iter().map(|fields| place(&fields.cells, tag, &mut parts)).collect();
        (parts.len() <= MAX_PARTS).then_some((parts, Form::Tagged { tag, slots }))
    }

    /// Fields in their order, and whether they are one pointer that is never 0.
    fn fields(&mut self, types: Vec<Type>) -> (Fields, bool) {
        let mut fields = Fields::default();
        let mut never_zero = false;
        for ty in &types {
            let shape = self.shape(ty);
            never_zero |= shape.never_zero;
            fields.first.push(fields.cells.len());
            fields.cells.extend(&shape.parts);
        }
        fields.types = types;
        never_zero &= fields.cells.len() == 1;
        (fields, never_zero)
    }

    fn is_recursive(&self, ty: &Type) -> bool {
        matches!(self.shapes.get(ty), Some(State::Open(true)))
    }
}

/// One name for all elements that are stored alike.
fn stored(element: &Type) -> Type {
    match element {
        Type::Bool | Type::Char | Type::Duration | Type::Node | Type::Pid(_) => Type::Int,
        Type::Bytes => Type::String,
        other => other.clone(),
    }
}

fn scalar(parts: Vec<Class>) -> Shape {
    Shape { parts, layout: Layout::Scalar, never_zero: false }
}

/// Positions for the cells of one variant among the parts of its enum, with new parts where those
/// of others do not fit.
fn place(cells: &[Class], tag: bool, parts: &mut Vec<Class>) -> Vec<usize> {
    let mut taken: Vec<usize> = if tag { vec![0] } else { Vec::new() };
    let begin = taken.len();
    for class in cells {
        let free = (0..parts.len()).find(|n| parts[*n] == *class && !taken.contains(n));
        taken.push(free.unwrap_or_else(|| {
            parts.push(*class);
            parts.len() - 1
        }));
    }
    taken.split_off(begin)
}
