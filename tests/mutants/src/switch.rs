//! Puts mutants into a source file, each behind a switch: `a == b` becomes `(if on(7) { a != b } else { a == b })`.
//!
//! An operator is exchanged where it stands in the tree, not in the text: the other operator's precedence changes nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use proc_macro2::LineColumn;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::list::{Genre, Mutant, Place};

/// What asks whether a mutant is switched on, in the crate that has it.
const ON: &str = "crate::mutants::on";

/// A part of a file that mutants change, with the places in it that are needed to change it. Ranges are bytes.
#[derive(Debug, Clone)]
enum Shape {
    /// A function's body, without its braces.
    Body,
    /// `left op right`; `chained` when `let` is an operand, and nothing can be put around it.
    Binary {
        left: Range<usize>,
        op: String,
        right: Range<usize>,
        chained: bool,
    },
    /// `!operand`
    Unary { op: String, operand: Range<usize> },
    /// From an arm's pattern on to the end of its guard, if it has one.
    Arm { guard: Option<Range<usize>> },
    /// An arm's guard.
    Guard,
    /// What a field has, and what it would have otherwise; its name where only that is written.
    Field {
        value: Range<usize>,
        otherwise: String,
        name: Option<String>,
    },
}

#[derive(Debug)]
struct Site {
    range: Range<usize>,
    shape: Shape,
    /// What stands there instead, by mutant.
    changes: Vec<(usize, String)>,
}

/// A file with its mutants, and those of them for which no switch could be found.
#[derive(Debug)]
pub(crate) struct Switched {
    /// The file's new text. What belongs to a mutant stands between `/*m7{*/` and `/*}m7*/`.
    pub text: String,
    /// No part of the file is what these change.
    pub without: Vec<usize>,
}

/// Puts mutants, by their numbers, into a file.
///
/// # Errors
/// When the file is no Rust.
pub(crate) fn switch(source: &str, mutants: &BTreeMap<usize, &Mutant>) -> Result<Switched, String> {
    let file = syn::parse_file(source).map_err(|e| e.to_string())?;
    let mut finder = Finder {
        source,
        found: Vec::new(),
    };
    finder.visit_file(&file);
    let mut sites: Vec<Site> = Vec::new();
    let mut without = Vec::new();
    for (&number, mutant) in mutants {
        let place = mutant.span.start;
        let fits = |(genre, at, ..): &&(Genre, Place, Range<usize>, Shape)| {
            *genre == mutant.genre && *at == place
        };
        let found = finder.found.iter().find(fits);
        let Some((_, _, range, shape)) =
            found.filter(|(.., shape)| !matches!(shape, Shape::Binary { chained: true, .. }))
        else {
            without.push(number);
            continue;
        };
        let change = (number, mutant.replacement.clone());
        let same = |site: &&mut Site| {
            site.range == *range
                && std::mem::discriminant(&site.shape) == std::mem::discriminant(shape)
        };
        match sites.iter_mut().find(same) {
            Some(site) => site.changes.push(change),
            None => sites.push(Site {
                range: range.clone(),
                shape: shape.clone(),
                changes: vec![change],
            }),
        }
    }
    // What is around another comes first.
    let depth = |site: &Site| match site.shape {
        Shape::Body => 0,
        Shape::Field { .. } | Shape::Arm { .. } => 1,
        Shape::Guard => 2,
        _ => 3,
    };
    sites.sort_by_key(|site| {
        (
            site.range.start,
            std::cmp::Reverse(site.range.end),
            depth(site),
        )
    });
    let text = render(source, &sites, 0..source.len());
    Ok(Switched { text, without })
}

/// A range of the file, with what is changed within it.
fn render(source: &str, sites: &[Site], range: Range<usize>) -> String {
    let mut text = String::new();
    let mut cursor = range.start;
    let mut rest = sites;
    while let Some((site, after)) = rest.split_first() {
        rest = after;
        if site.range.start < cursor || site.range.end > range.end {
            continue;
        }
        text += &source[cursor..site.range.start];
        let inside = |part: &Range<usize>| render(source, after, part.clone());
        text += &around(site, &inside, source);
        cursor = site.range.end;
    }
    text + &source[cursor..range.end]
}

/// What one site becomes.
fn around(site: &Site, inside: &dyn Fn(&Range<usize>) -> String, source: &str) -> String {
    let mut text = String::new();
    let mut choices = |what: &dyn Fn(&str) -> String| {
        for (number, replacement) in &site.changes {
            let changed = what(replacement);
            let _ = write!(
                text,
                "if {ON}({number}) {{ /*m{number}{{*/ {changed} /*}}m{number}*/ }} else "
            );
        }
    };
    match &site.shape {
        Shape::Body => {
            let mut text = String::new();
            for (number, replacement) in &site.changes {
                let _ = write!(
                    text,
                    "if {ON}({number}) {{ return /*m{number}{{*/ {replacement} /*}}m{number}*/; }} "
                );
            }
            text + &inside(&site.range)
        }
        Shape::Binary {
            left, op, right, ..
        } => {
            let (left, right) = (inside(left), inside(right));
            choices(&|other| format!("({left}) {other} ({right})"));
            format!("({text}{{ ({left}) {op} ({right}) }})")
        }
        Shape::Unary { op, operand } => {
            let operand = inside(operand);
            choices(&|_| operand.clone());
            format!("({text}{{ {op}({operand}) }})")
        }
        Shape::Guard => {
            choices(&str::to_owned);
            format!("({text}{{ {} }})", inside(&site.range))
        }
        Shape::Arm { guard } => {
            let numbers: Vec<String> = site
                .changes
                .iter()
                .map(|(number, _)| format!("/*m{number}{{*/ !{ON}({number}) /*}}m{number}*/"))
                .collect();
            let numbers = numbers.join(" && ");
            match guard {
                None => format!("{} if {numbers}", &source[site.range.clone()]),
                Some(guard) => format!(" if {numbers} && {}", wrapped(&inside(guard))),
            }
        }
        Shape::Field {
            value,
            otherwise,
            name,
        } => {
            choices(&|_| otherwise.clone());
            let name = name.iter().map(|name| format!("{name}: "));
            let name: String = name.collect();
            format!("{name}({text}{{ {} }})", inside(value))
        }
    }
}

/// In parentheses, which `let` must not stand in.
fn wrapped(condition: &str) -> String {
    match condition.contains("let ") {
        true => condition.to_owned(),
        false => format!("({condition})"),
    }
}

struct Finder<'s> {
    source: &'s str,
    found: Vec<(Genre, Place, Range<usize>, Shape)>,
}

fn place(at: LineColumn) -> Place {
    Place {
        line: at.line,
        column: at.column + 1,
    }
}

fn bytes(part: &impl Spanned) -> Range<usize> {
    part.span().byte_range()
}

fn starts(part: &impl Spanned) -> Place {
    place(part.span().start())
}

/// Whether `let` is an operand, so that this must stay in the condition where it stands.
fn has_let(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(b) => has_let(&b.left) || has_let(&b.right),
        _ => false,
    }
}

impl Finder<'_> {
    fn text(&self, part: &impl Spanned) -> String {
        self.source[bytes(part)].to_owned()
    }

    fn body(&mut self, block: &syn::Block) {
        if let (Some(first), Some(last)) = (block.stmts.first(), block.stmts.last()) {
            let range = bytes(first).start..bytes(last).end;
            self.found
                .push((Genre::FnValue, starts(first), range, Shape::Body));
        }
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.body(&function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.body(&function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.body(block);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        let shape = Shape::Binary {
            left: bytes(&*binary.left),
            op: self.text(&binary.op),
            right: bytes(&*binary.right),
            chained: has_let(&binary.left) || has_let(&binary.right),
        };
        let at = starts(&binary.op);
        self.found
            .push((Genre::BinaryOperator, at, bytes(binary), shape));
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        let shape = Shape::Unary {
            op: self.text(&unary.op),
            operand: bytes(&*unary.expr),
        };
        let at = starts(&unary.op);
        self.found
            .push((Genre::UnaryOperator, at, bytes(unary), shape));
        visit::visit_expr_unary(self, unary);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        let pattern = bytes(&arm.pat).end;
        let guard = arm.guard.as_ref().map(|(_, guard)| &**guard);
        let end = guard.map_or(pattern, |guard| bytes(guard).end);
        // Of an arm without a guard its pattern is repeated: a site must not be empty.
        let start = match guard {
            Some(_) => pattern,
            None => bytes(&arm.pat).start,
        };
        let shape = Shape::Arm {
            guard: guard.map(bytes),
        };
        self.found
            .push((Genre::MatchArm, starts(arm), start..end, shape));
        if let Some(guard) = guard.filter(|guard| !has_let(guard)) {
            let at = starts(guard);
            self.found
                .push((Genre::MatchArmGuard, at, bytes(guard), Shape::Guard));
        }
        visit::visit_arm(self, arm);
    }

    fn visit_expr_struct(&mut self, of: &'ast syn::ExprStruct) {
        if let Some(rest) = &of.rest {
            let (path, rest) = (self.text(&of.path), self.text(&**rest));
            for field in &of.fields {
                let member = self.text(&field.member);
                let value = bytes(&field.expr);
                let shape = Shape::Field {
                    value: value.clone(),
                    otherwise: format!("{{ let rest: {path} = {rest}; rest.{member} }}"),
                    name: field.colon_token.is_none().then_some(member),
                };
                self.found
                    .push((Genre::StructField, starts(field), value, shape));
            }
        }
        visit::visit_expr_struct(self, of);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::list::Span;

    /// The body of a function in which what begins with `at` is changed into each of these, as it is written.
    fn switched(body: &str, at: &str, genre: Genre, changes: &[&str]) -> String {
        let source = format!("fn f() -> bool {{\n{body}\n}}\n");
        let place = Place {
            line: 2,
            column: body.find(at).unwrap() + 1,
        };
        let mutants: Vec<Mutant> = changes
            .iter()
            .map(|change| Mutant {
                file: String::new(),
                function: None,
                genre,
                name: String::new(),
                replacement: (*change).to_owned(),
                span: Span { start: place },
            })
            .collect();
        let switched = switch(&source, &(7..).zip(&mutants).collect()).unwrap();
        assert_eq!(switched.without, [0; 0], "{body}");
        syn::parse_file(&switched.text).unwrap();
        let marks = without_marks(&switched.text);
        let line = marks.lines().nth(1).unwrap();
        line.replace("crate::mutants::on", "on")
    }

    /// Without the marks.
    fn without_marks(text: &str) -> String {
        let mut out = String::new();
        for part in text.split("/*") {
            out += part
                .split_once("*/")
                .map_or(part, |(_, after)| after.trim_start());
        }
        out
    }

    #[test]
    fn each_kind_of_mutant_stands_behind_its_switch() {
        use Genre::{BinaryOperator, FnValue, MatchArm, MatchArmGuard, StructField, UnaryOperator};
        let cases: [(&str, &str, Genre, &[&str], &str); 8] = [
            (
                "a == b",
                "==",
                BinaryOperator,
                &["!="],
                "(if on(7) { (a) != (b) } else { (a) == (b) })",
            ),
            (
                "a < b",
                "<",
                BinaryOperator,
                &["==", ">"],
                "(if on(7) { (a) == (b) } else if on(8) { (a) > (b) } else { (a) < (b) })",
            ),
            (
                "!a",
                "!",
                UnaryOperator,
                &[""],
                "(if on(7) { a } else { !(a) })",
            ),
            ("a", "a", FnValue, &["true"], "if on(7) { return true ; } a"),
            (
                "match a { 1 => true, _ => false }",
                "1",
                MatchArm,
                &[""],
                "match a { 1 if !on(7) => true, _ => false }",
            ),
            (
                "match a { n if n > 1 => true, _ => false }",
                "n >",
                MatchArmGuard,
                &["true"],
                "match a { n if (if on(7) { true } else { n > 1 }) => true, _ => false }",
            ),
            (
                "S { a: 1, ..rest }",
                "a:",
                StructField,
                &[""],
                "S { a: (if on(7) { { let rest: S = rest; rest.a } } else { 1 }), ..rest }",
            ),
            (
                "S { a, ..rest }",
                "a,",
                StructField,
                &[""],
                "S { a: (if on(7) { { let rest: S = rest; rest.a } } else { a }), ..rest }",
            ),
        ];
        for (body, at, genre, changes, expected) in cases {
            assert_eq!(switched(body, at, genre, changes), expected);
        }
    }

    #[test]
    fn what_stands_in_what_is_changed_is_changed_too_and_let_stays_in_its_condition() {
        let source =
            "fn f() -> bool {\n    if a && let Some(b) = c && !b { d } else { false }\n}\n";
        let mutant = |genre, column, replacement: &str| Mutant {
            file: String::new(),
            function: None,
            genre,
            name: String::new(),
            replacement: replacement.to_owned(),
            span: Span {
                start: Place { line: 2, column },
            },
        };
        let all = [
            mutant(Genre::FnValue, 5, "true"),
            mutant(Genre::BinaryOperator, 10, "||"),
            mutant(Genre::UnaryOperator, 32, ""),
        ];
        let switched = switch(source, &(1..).zip(&all).collect()).unwrap();
        assert_eq!(switched.without, [2]);
        syn::parse_file(&switched.text).unwrap();
        for number in [1, 3] {
            assert!(switched.text.contains(&format!("on({number})")));
        }
    }
}
