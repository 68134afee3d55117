//! What an expression says, in a form that the checker can walk: the template engine's own tree
//! comes in, ours goes out.

use minijinja::machinery::{Span as EngineSpan, ast};
use serde_json::Value;

use super::filters::find as find_filter;
use super::own::OWN_FILTER;
use super::value::to_json;

/// One expression and the bytes it stands on in its template.
#[derive(Clone, Debug)]
pub struct Expression {
    pub node: Node,
    pub span: std::ops::Range<usize>,
}

/// What a comparison asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `<`, `<=`, `>`, `>=`
    Order,
    /// `!=`, `in`, `not in`
    Other,
}

/// The kinds of expression.
#[derive(Clone, Debug)]
pub enum Node {
    /// `event`
    Name(String),
    /// A name that the template itself declares (`{% for x in … %}`).
    Local(String),
    Literal(Value),
    /// `a.b` and `a['b']`
    Field(Box<Expression>, String),
    /// `a[0]`, `a[name]`
    Item(Box<Expression>, Box<Expression>),
    Filter {
        name: String,
        input: Option<Box<Expression>>,
        arguments: Vec<Expression>,
    },
    /// `x is empty`
    Test {
        name: String,
        input: Box<Expression>,
        arguments: Vec<Expression>,
    },
    Call {
        callee: Box<Expression>,
        arguments: Vec<Expression>,
    },
    /// `a if test else b`
    Choice {
        test: Box<Expression>,
        then: Box<Expression>,
        otherwise: Option<Box<Expression>>,
    },
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    Compare(Box<Expression>, Box<Expression>, Comparison),
    /// `+ - * / // % **`
    Arithmetic(Box<Expression>, Box<Expression>),
    /// `a ~ b`
    Join(Box<Expression>, Box<Expression>),
    List(Vec<Expression>),
    Map(Vec<(Expression, Expression)>),
    Slice(Box<Expression>),
    /// An argument given by name: `as='notes'`. No filter of ours takes one.
    Named(String, Box<Expression>),
}

impl Expression {
    /// The engine's span of `a.b` begins at the dot, and that of `a | f` at the filter: ours hold
    /// everything that belongs to them.
    fn new(node: Node, span: std::ops::Range<usize>) -> Expression {
        // A span of an operation may begin a word too early: it is as long as its two sides.
        let two_sided = matches!(
            node,
            Node::And(..)
                | Node::Or(..)
                | Node::Compare(..)
                | Node::Arithmetic(..)
                | Node::Join(..)
        );
        let (mut start, mut end) = if two_sided { (usize::MAX, 0) } else { (span.start, span.end) };
        let mut whole = Expression { node, span: start..end };
        whole.walk(&mut |inner| {
            start = start.min(inner.span.start);
            end = end.max(inner.span.end);
        });
        whole.span = start..end;
        whole
    }

    /// Calls `visit` on this expression and on every one inside it.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Expression)) {
        visit(self);
        match &self.node {
            Node::Name(_) | Node::Local(_) | Node::Literal(_) => {}
            Node::Field(a, _) | Node::Not(a) | Node::Slice(a) | Node::Named(_, a) => a.walk(visit),
            Node::Item(a, b)
            | Node::And(a, b)
            | Node::Or(a, b)
            | Node::Compare(a, b, _)
            | Node::Arithmetic(a, b)
            | Node::Join(a, b) => {
                a.walk(visit);
                b.walk(visit);
            }
            Node::Filter { input, arguments, .. } => {
                input.iter().for_each(|e| e.walk(visit));
                arguments.iter().for_each(|e| e.walk(visit));
            }
            Node::Test { input, arguments, .. } | Node::Call { callee: input, arguments } => {
                input.walk(visit);
                arguments.iter().for_each(|e| e.walk(visit));
            }
            Node::Choice { test, then, otherwise } => {
                test.walk(visit);
                then.walk(visit);
                otherwise.iter().for_each(|e| e.walk(visit));
            }
            Node::List(items) => items.iter().for_each(|e| e.walk(visit)),
            Node::Map(entries) => entries.iter().for_each(|(k, v)| {
                k.walk(visit);
                v.walk(visit);
            }),
        }
    }

    /// The name of the filter that it is, where that is not a built-in one.
    pub(super) fn own_filter(&self) -> Option<&str> {
        match &self.node {
            Node::Filter { name, .. } if find_filter(name).is_none() => Some(name),
            _ => None,
        }
    }

    /// `steps.contact.contact_id` as its parts, where the expression is nothing but names and dots.
    pub fn path(&self) -> Option<Vec<&str>> {
        match &self.node {
            Node::Name(name) => Some(vec![name]),
            Node::Field(base, name) => {
                let mut path = base.path()?;
                path.push(name);
                Some(path)
            }
            Node::Item(base, _) | Node::Slice(base) => base.path(),
            _ => None,
        }
    }
}

/// Turns the engine's tree into ours, remembering which names the template declares itself.
pub(super) struct Reader {
    /// What to add to every span, for an expression cut out of a longer text.
    shift: usize,
    locals: Vec<String>,
    pub(super) found: Vec<Expression>,
    pub(super) has_statements: bool,
}

impl Reader {
    pub(super) fn new(shift: usize) -> Reader {
        Reader { shift, locals: Vec::new(), found: Vec::new(), has_statements: false }
    }

    /// Collects every expression of a template's statements, in order.
    pub(super) fn statements(&mut self, statements: &[ast::Stmt<'_>]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &ast::Stmt<'_>) {
        use ast::Stmt;
        if !matches!(statement, Stmt::Template(_) | Stmt::EmitExpr(_) | Stmt::EmitRaw(_)) {
            self.has_statements = true;
        }
        match statement {
            Stmt::Template(t) => self.statements(&t.children),
            Stmt::EmitExpr(e) => {
                let expression = self.expression(&e.expr);
                self.found.push(expression);
            }
            Stmt::EmitRaw(_) => {}
            Stmt::ForLoop(f) => {
                let iter = self.expression(&f.iter);
                self.found.push(iter);
                let before = self.locals.len();
                self.declare(&f.target);
                self.locals.push("loop".to_owned());
                if let Some(filter) = &f.filter_expr {
                    let filter = self.expression(filter);
                    self.found.push(filter);
                }
                self.statements(&f.body);
                self.locals.truncate(before);
                self.statements(&f.else_body);
            }
            Stmt::IfCond(c) => {
                let test = self.expression(&c.expr);
                self.found.push(test);
                self.statements(&c.true_body);
                self.statements(&c.false_body);
            }
            Stmt::WithBlock(w) => {
                let before = self.locals.len();
                for (target, value) in &w.assignments {
                    let value = self.expression(value);
                    self.found.push(value);
                    self.declare(target);
                }
                self.statements(&w.body);
                self.locals.truncate(before);
            }
            Stmt::Set(s) => {
                let value = self.expression(&s.expr);
                self.found.push(value);
                self.declare(&s.target);
            }
            Stmt::SetBlock(s) => {
                self.statements(&s.body);
                self.declare(&s.target);
            }
            Stmt::AutoEscape(a) => self.statements(&a.body),
            Stmt::FilterBlock(f) => {
                let filter = self.expression(&f.filter);
                self.found.push(filter);
                self.statements(&f.body);
            }
            Stmt::Do(d) => {
                let call = self.call(&d.call.expr, &d.call.args, d.call.span());
                self.found.push(call);
            }
        }
    }

    fn declare(&mut self, target: &ast::Expr<'_>) {
        match target {
            ast::Expr::Var(v) => self.locals.push(v.id.to_owned()),
            ast::Expr::List(l) => l.items.iter().for_each(|item| self.declare(item)),
            ast::Expr::Tuple(t) => t.items.iter().for_each(|item| self.declare(item)),
            _ => {}
        }
    }

    pub(super) fn expression(&self, expr: &ast::Expr<'_>) -> Expression {
        use ast::Expr;
        let one = |e: &ast::Expr<'_>| Box::new(self.expression(e));
        let node = match expr {
            Expr::Var(v) if self.locals.iter().any(|l| l == v.id) => Node::Local(v.id.to_owned()),
            Expr::Var(v) => Node::Name(v.id.to_owned()),
            Expr::Const(c) => Node::Literal(to_json(&c.value).into_value()),
            Expr::Slice(s) => Node::Slice(one(&s.expr)),
            Expr::UnaryOp(u) => match u.op {
                ast::UnaryOpKind::Not => Node::Not(one(&u.expr)),
                ast::UnaryOpKind::Neg => Node::Arithmetic(
                    Box::new(Expression {
                        node: Node::Literal(0.into()),
                        span: self.range(u.span()),
                    }),
                    one(&u.expr),
                ),
            },
            Expr::BinOp(b) => {
                use ast::BinOpKind as Op;
                let (left, right) = (one(&b.left), one(&b.right));
                match b.op {
                    Op::ScAnd => Node::And(left, right),
                    Op::ScOr => Node::Or(left, right),
                    Op::Concat => Node::Join(left, right),
                    Op::Add | Op::Sub | Op::Mul | Op::Div | Op::FloorDiv | Op::Rem | Op::Pow => {
                        Node::Arithmetic(left, right)
                    }
                    Op::Eq => Node::Compare(left, right, Comparison::Equal),
                    Op::Lt | Op::Lte | Op::Gt | Op::Gte => {
                        Node::Compare(left, right, Comparison::Order)
                    }
                    Op::Ne | Op::In => Node::Compare(left, right, Comparison::Other),
                }
            }
            Expr::Compare(c) => {
                let mut left = self.expression(&c.expr);
                for op in &c.ops {
                    let span = left.span.start..self.range(op.expr.span()).end;
                    left = Expression {
                        node: Node::Compare(
                            Box::new(left),
                            one(&op.expr),
                            match op.op {
                                ast::CompareOpKind::Eq => Comparison::Equal,
                                ast::CompareOpKind::Ne
                                | ast::CompareOpKind::In
                                | ast::CompareOpKind::NotIn => Comparison::Other,
                                _ => Comparison::Order,
                            },
                        ),
                        span,
                    };
                }
                return left;
            }
            Expr::IfExpr(c) => Node::Choice {
                test: one(&c.test_expr),
                then: one(&c.true_expr),
                otherwise: c.false_expr.as_ref().map(one),
            },
            Expr::Filter(f) => Node::Filter {
                name: f.name.to_owned(),
                input: f.expr.as_ref().map(one),
                arguments: self.arguments(&f.args),
            },
            Expr::Test(t) => Node::Test {
                name: t.name.to_owned(),
                input: one(&t.expr),
                arguments: self.arguments(&t.args),
            },
            Expr::GetAttr(g) => Node::Field(one(&g.expr), g.name.to_owned()),
            Expr::GetItem(g) => match &g.subscript_expr {
                Expr::Const(c) if c.value.as_str().is_some() => {
                    Node::Field(one(&g.expr), c.value.as_str().unwrap_or_default().to_owned())
                }
                index => Node::Item(one(&g.expr), one(index)),
            },
            Expr::Call(c) => return self.call(&c.expr, &c.args, c.span()),
            Expr::List(l) => Node::List(l.items.iter().map(|e| self.expression(e)).collect()),
            Expr::Tuple(t) => Node::List(t.items.iter().map(|e| self.expression(e)).collect()),
            Expr::Map(m) => Node::Map(
                m.keys
                    .iter()
                    .zip(&m.values)
                    .map(|(k, v)| (self.expression(k), self.expression(v)))
                    .collect(),
            ),
        };
        Expression::new(node, self.range(expr.span()))
    }

    fn call(
        &self,
        callee: &ast::Expr<'_>,
        arguments: &[ast::CallArg<'_>],
        span: EngineSpan,
    ) -> Expression {
        let node = Node::Call {
            callee: Box::new(self.expression(callee)),
            arguments: self.arguments(arguments),
        };
        Expression { node, span: self.range(span) }
    }

    fn arguments(&self, arguments: &[ast::CallArg<'_>]) -> Vec<Expression> {
        arguments
            .iter()
            .map(|argument| match argument {
                ast::CallArg::Pos(e) | ast::CallArg::PosSplat(e) => self.expression(e),
                ast::CallArg::Kwarg(name, e) => self.named(name, e),
                ast::CallArg::KwargSplat(e) => self.named("**", e),
            })
            .collect()
    }

    fn named(&self, name: &str, value: &ast::Expr<'_>) -> Expression {
        let value = self.expression(value);
        let span = value.span.clone();
        Expression { node: Node::Named(name.to_owned(), Box::new(value)), span }
    }

    fn range(&self, span: EngineSpan) -> std::ops::Range<usize> {
        span.start_offset as usize + self.shift..span.end_offset as usize + self.shift
    }
}

/// A text as the engine gets it: filters of one's own by the one filter that stands for them all, and
/// guards around what the engine takes too lightly: `~` with something empty fails instead of writing "None", and nothing is larger or smaller than what is empty. `shift` is
/// where the text begins in what the spans count.
pub(super) fn guarded(source: &str, expressions: &[Expression], shift: usize) -> String {
    let mut changes: Vec<Change> = Vec::new();
    let mut depth = 0;
    let mut guard = |e: &Expression| {
        depth += 1;
        changes.extend(own_name(source, e, shift));
        let mut wrap = |span: &std::ops::Range<usize>, before: String, after: String| {
            let change = |at, is_end, text| Change { at, is_end, depth, text, replaces: 0 };
            changes.push(change(span.start, false, before));
            changes.push(change(span.end, true, after));
        };
        let whole = |e: &Expression| balanced(source, e.span.start - shift..e.span.end - shift);
        let text = |e: &Expression| source.get(whole(e)).unwrap_or_default().to_owned();
        // The same once more, for a question in front of it.
        let again = |e: &Expression| {
            let mut names = Vec::new();
            e.walk(&mut |inner| names.extend(own_name(source, inner, shift)));
            changed(source, whole(e), names)
        };
        match &e.node {
            Node::Join(a, b) => {
                for side in [a, b] {
                    let name = text(side).replace('\\', "\\\\").replace('"', "\\\"");
                    wrap(&whole(side), "((".into(), format!(")|{FILLED}(\"{name}\"))"));
                }
            }
            Node::Compare(a, b, Comparison::Order) if !matches!(a.node, Node::Compare(..)) => {
                let before =
                    format!("((({}) is defined) and (({}) is defined) and (", again(a), again(b));
                wrap(&whole(e), before, "))".into());
            }
            _ => {}
        }
    };
    expressions.iter().for_each(|expression| expression.walk(&mut guard));
    changed(source, 0..source.len(), changes)
}

/// A text that is put in, in place of the next `replaces` bytes.
struct Change {
    at: usize,
    is_end: bool,
    depth: usize,
    text: String,
    replaces: usize,
}

/// A part of a text with the changes made.
fn changed(source: &str, part: std::ops::Range<usize>, mut changes: Vec<Change>) -> String {
    // Ends before starts at one place; inner ends before outer ones, outer starts before inner ones.
    changes
        .sort_by_key(|c| (c.at, !c.is_end, if c.is_end { usize::MAX - c.depth } else { c.depth }));
    let mut out = String::with_capacity(part.len() + 64);
    let mut from = part.start;
    for change in changes {
        out.push_str(source.get(from..change.at).unwrap_or_default());
        out.push_str(&change.text);
        from = change.at + change.replaces;
    }
    out.push_str(source.get(from..part.end).unwrap_or_default());
    out
}

/// `shout` → `__own("shout")`, where a filter is not a built-in one.
fn own_name(source: &str, e: &Expression, shift: usize) -> Option<Change> {
    let name = e.own_filter()?;
    let Node::Filter { input, arguments, .. } = &e.node else { return None };
    let from = input.as_ref().map_or(e.span.start, |input| input.span.end) - shift;
    let at = from + source.get(from..)?.find(name)?;
    let behind = source.get(at + name.len()..)?;
    let (text, replaces) = match behind.trim_start().strip_prefix('(') {
        Some(rest) if arguments.is_empty() => {
            (format!("{OWN_FILTER}(\"{name}\""), behind.len() - rest.len())
        }
        Some(rest) => (format!("{OWN_FILTER}(\"{name}\", "), behind.len() - rest.len()),
        None => (format!("{OWN_FILTER}(\"{name}\")"), 0),
    };
    Some(Change { at, is_end: false, depth: 0, text, replaces: name.len() + replaces })
}

/// The engine's spans leave out brackets at both ends: a part of `(a + b) * c` that begins at `a` is
/// widened to begin at its bracket.
fn balanced(source: &str, span: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let (mut start, mut end) = (span.start, span.end.min(source.len()));
    let (mut open, mut missing, mut quote) = (0usize, 0usize, None);
    for byte in source.get(start..end).unwrap_or_default().bytes() {
        match (quote, byte) {
            (Some(q), byte) if q == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'(') => open += 1,
            (None, b')') if open > 0 => open -= 1,
            (None, b')') => missing += 1,
            _ => {}
        }
    }
    for _ in 0..missing {
        start = source[..start].rfind('(').unwrap_or(start);
    }
    for _ in 0..open {
        end = source[end..].find(')').map_or(end, |at| end + at + 1);
    }
    start..end
}

/// The filter that refuses what is empty; no recipe can name it.
pub(super) const FILLED: &str = "__filled";
