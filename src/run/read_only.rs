//! SQL that is not compiled in: what a person types, a project's own queries and slices, the slice in an export's manifest.
//!
//! In: text that anybody may have written. Out: a plan that reads the tables of its session, and writes, creates and sets nothing. Refused before it
//! is planned: whatever is no query, and what would take more stack than there is, because a plan is walked, copied and dropped level by level.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::prelude::{DataFrame, SessionContext};
use datafusion::sql::parser::{DFParser, DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{Expr as Term, Query, Select, Statement as Sql, TableFactor, Visit, Visitor};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::error::{Error, Result};
use crate::terminal::cut;

/// Above a hundred thousand quoted ids in one list; its tokens take some thirty times as much memory.
const MAX_BYTES: usize = 8 << 20;

/// Operators that stand in one another: each is a level of the tree. An unoptimised build takes at most some 10 KiB of stack for a level, and the
/// command line has 256 MiB (`cli/mod.rs`).
const MAX_LEVELS: usize = 2_000;

/// SELECTs and tables: each is some levels of a plan.
const MAX_READS: usize = 1_000;

/// The same, what stands behind a name of `WITH` as often as that is read: it is planned each time, and forty names can stand for a million million.
const MAX_EXPANDED: i64 = 20_000;

const QUERIES: &str = "one SELECT, WITH or VALUES is run here";

/// The one query that a text is.
pub fn query(text: &str) -> Result<Box<Query>> {
    let mut statements = statements(text)?;
    match (statements.pop(), statements.len()) {
        (None, _) => Err(Error::usage("there is no query").hint(QUERIES)),
        (Some(_), 1..) => Err(Error::usage("these are several statements").hint(QUERIES)),
        (Some(Statement::Statement(statement)), 0) => match *statement {
            Sql::Query(query) => Ok(query),
            other => Err(no_query(&other.to_string(), QUERIES)),
        },
        (Some(other), 0) => Err(no_query(&other.to_string(), QUERIES)),
    }
}

/// The statements of a text, each of which reads: a query, or a question about tables, functions and plans.
pub fn questions(text: &str) -> Result<Vec<Statement>> {
    let statements = statements(text)?;
    match statements.iter().find(|statement| !is_question(statement)) {
        None => Ok(statements),
        Some(other) => Err(no_query(
            &other.to_string(),
            "SELECT, WITH, VALUES, EXPLAIN, SHOW and DESCRIBE are run; nothing can be changed",
        )),
    }
}

/// A condition on rows, as it is written into a query: it is one expression, so that nothing behind it can be added to the query or cut off.
pub fn predicate(text: &str) -> Result<String> {
    let term = term(text)?;
    let written = term.to_string();
    // What would be read differently from how it was written is not written.
    if self::term(&written)? == term { Ok(written) } else { Err(Error::usage("this predicate has no plain form")) }
}

/// The rows of the one query that a text is.
pub async fn rows(context: &SessionContext, text: &str) -> Result<DataFrame> {
    plan(context, Statement::Statement(Box::new(Sql::Query(query(text)?)))).await
}

/// As [`rows`], for a text that came from elsewhere: it reads tables, and calls no function that opens files or asks models.
pub async fn rows_of_tables(context: &SessionContext, text: &str) -> Result<DataFrame> {
    let rows = rows(context, text).await?;
    match function_that_reads(rows.logical_plan())? {
        None => Ok(rows),
        Some(name) => Err(Error::usage("only tables may be read here").with("function", name)),
    }
}

/// The rows of a statement.
pub async fn plan(context: &SessionContext, statement: Statement) -> Result<DataFrame> {
    let plan = context.state().statement_to_plan(statement).await?;
    // `SELECT .. INTO` makes a table and is a query by its form.
    let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    options.verify_plan(&plan).map_err(|e| Error::usage("this is no query that only reads").because(e))?;
    Ok(context.execute_logical_plan(plan).await?)
}

fn no_query(statement: &str, hint: &str) -> Error {
    let words: Vec<&str> = statement.split_whitespace().take(2).collect();
    Error::usage(format!("`{}` is no query", cut(&words.join(" "), 60))).hint(hint)
}

fn is_question(statement: &Statement) -> bool {
    fn asks(statement: &Sql) -> bool {
        match statement {
            Sql::Query(_) | Sql::ExplainTable { .. } => true,
            Sql::ShowTables { .. } | Sql::ShowColumns { .. } | Sql::ShowFunctions { .. } | Sql::ShowVariable { .. } => {
                true
            }
            Sql::Explain { statement, .. } => asks(statement),
            _ => false,
        }
    }
    match statement {
        Statement::Statement(statement) => asks(statement),
        Statement::Explain(explain) => is_question(&explain.statement),
        _ => false,
    }
}

/// Parses what is small enough.
fn statements(text: &str) -> Result<Vec<Statement>> {
    let statements = parser(text)?.parse_statements().map_err(not_sql)?;
    for statement in &statements {
        let mut reads = Reads::default();
        let is_too_much = match innermost(statement) {
            Statement::Statement(statement) => statement.visit(&mut reads).is_break(),
            _ => false,
        };
        if is_too_much {
            return Err(Error::usage("the query reads too many tables").hint(format!(
                "{MAX_READS} tables and SELECTs are planned, and {MAX_EXPANDED} with what names of WITH stand for"
            )));
        }
    }
    Ok(statements.into())
}

fn innermost(statement: &Statement) -> &Statement {
    match statement {
        Statement::Explain(explain) => innermost(&explain.statement),
        other => other,
    }
}

fn term(text: &str) -> Result<Term> {
    let mut parser = parser(text)?;
    let term = parser.parser.parse_expr().map_err(|e| not_sql(e.into()))?;
    match parser.parser.peek_token().token {
        Token::EOF => Ok(term),
        other => Err(Error::usage(format!("the predicate is one expression, and `{other}` stands behind it"))),
    }
}

fn not_sql(error: DataFusionError) -> Error {
    match &error {
        DataFusionError::SQL(inner, _) => match &**inner {
            ParserError::RecursionLimitExceeded => Error::usage("the query is nested too deeply"),
            ParserError::ParserError(why) | ParserError::TokenizerError(why) => {
                Error::usage(format!("this is not SQL: {why}"))
            }
        },
        _ => Error::usage("this is not SQL").because(error),
    }
}

fn parser(text: &str) -> Result<DFParser<'static>> {
    if text.len() > MAX_BYTES {
        return Err(Error::usage(format!("the query is longer than {} MiB", MAX_BYTES >> 20)).with("bytes", text.len()));
    }
    if let Some(line) = text.lines().position(|line| line.contains('\0')) {
        return Err(Error::usage("the query has a NUL character, as text in UTF-16 has").with("line", line + 1));
    }
    // A byte order mark belongs to a file and not to what is in it.
    let text = text.trim_start_matches('\u{feff}');
    let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location();
    let tokens = tokens.map_err(|e| Error::usage(format!("this is not SQL: {e}")))?;
    let (levels, set_operations) = size(&tokens);
    if levels > MAX_LEVELS {
        return Err(Error::usage(format!("more than {MAX_LEVELS} operators stand in one another"))
            .hint("`x IN (..)` takes as many values as you like"));
    }
    if set_operations > MAX_READS {
        return Err(Error::usage(format!(
            "more than {MAX_READS} queries are put together by UNION, INTERSECT or EXCEPT"
        ))
        .hint("VALUES takes as many rows as you like"));
    }
    DFParserBuilder::new(tokens).build().map_err(not_sql)
}

/// How many levels an expression of these tokens may have at most, and how many set operations there are. The parser's own limit is on what it does by
/// recursion; it reads `a + b + c` and `a UNION b UNION c` in a loop, and what comes out is as deep as they are many.
fn size(tokens: &[TokenWithSpan]) -> (usize, usize) {
    // For each open group: the operators since its last comma.
    let mut groups = vec![0];
    let (mut levels, mut deepest, mut set_operations) = (0, 0, 0);
    for TokenWithSpan { token, .. } in tokens {
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => groups.push(0),
            Token::RParen | Token::RBracket | Token::RBrace => {
                levels -= groups.pop().unwrap_or_default();
                // What is called or indexed is one level above.
                match groups.last_mut() {
                    Some(outer) => *outer += 1,
                    None => groups.push(1),
                }
                levels += 1;
            }
            Token::Comma | Token::SemiColon => levels -= groups.last_mut().map(std::mem::take).unwrap_or_default(),
            Token::Word(word) if is_flat(word.keyword) => {}
            Token::Whitespace(_) | Token::Number(..) | Token::EOF => {}
            token if is_text(token) => {}
            token => {
                set_operations += usize::from(is_set_operator(token));
                if let Some(group) = groups.last_mut() {
                    *group += 1;
                }
                levels += 1;
            }
        }
        deepest = deepest.max(levels);
    }
    (deepest, set_operations)
}

/// Names, and the words of which many may stand in a row without standing in one another. Any other word may be an operator.
fn is_flat(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::NoKeyword
            | Keyword::SELECT
            | Keyword::DISTINCT
            | Keyword::AS
            | Keyword::FROM
            | Keyword::ON
            | Keyword::WHERE
            | Keyword::GROUP
            | Keyword::ORDER
            | Keyword::BY
            | Keyword::HAVING
            | Keyword::LIMIT
            | Keyword::ALL
            | Keyword::VALUES
            | Keyword::WHEN
            | Keyword::THEN
            | Keyword::ELSE
            | Keyword::END
            | Keyword::NULL
            | Keyword::TRUE
            | Keyword::FALSE
    )
}

fn is_set_operator(token: &Token) -> bool {
    const SET_OPERATORS: &[Keyword] = &[Keyword::UNION, Keyword::INTERSECT, Keyword::EXCEPT, Keyword::MINUS];
    matches!(token, Token::Word(word) if SET_OPERATORS.contains(&word.keyword))
}

fn is_text(token: &Token) -> bool {
    matches!(
        token,
        Token::SingleQuotedString(_)
            | Token::EscapedStringLiteral(_)
            | Token::DoubleQuotedString(_)
            | Token::NationalStringLiteral(_)
    )
}

/// Counts what a query reads.
#[derive(Default)]
struct Reads {
    count: i64,
    /// With what stands behind each name where it is read, and not where it is defined.
    expanded: i64,
    visits: i64,
    /// What stands behind each name of a WITH. Names that are hidden by others of an inner query are not told apart.
    named: HashMap<String, i64>,
    /// True while a name's size is taken; its query is visited again where it is defined.
    is_measuring: bool,
}

impl Reads {
    fn add(&mut self, expanded: i64) -> ControlFlow<()> {
        self.count += i64::from(!self.is_measuring);
        self.expanded += expanded;
        self.visits += 1;
        let is_too_much =
            self.count > MAX_READS as i64 || self.expanded > MAX_EXPANDED || self.visits > 10 * MAX_EXPANDED;
        if is_too_much { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl Visitor for Reads {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for named in query.with.iter().flat_map(|with| &with.cte_tables) {
            let (before, outer) = (self.expanded, std::mem::replace(&mut self.is_measuring, true));
            named.query.visit(self)?;
            let size = self.expanded - before;
            self.is_measuring = outer;
            // The visit where it is defined adds as much.
            self.expanded = before - size;
            self.named.insert(named.alias.name.value.to_lowercase(), size);
        }
        self.add(1)
    }

    fn pre_visit_select(&mut self, _: &Select) -> ControlFlow<()> {
        self.add(1)
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        let name = match factor {
            TableFactor::Table { name, .. } => name.0.last().and_then(|part| part.as_ident()),
            _ => None,
        };
        let behind = name.and_then(|name| self.named.get(&name.value.to_lowercase()).copied());
        self.add(1 + behind.unwrap_or_default())
    }
}

/// The first function of a plan that is asynchronous: those read files or ask models.
fn function_that_reads(plan: &LogicalPlan) -> Result<Option<String>> {
    let mut found = None;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::ScalarFunction(call) = expr
                    && call.func.as_async().is_some()
                {
                    found = Some(call.func.name().to_owned());
                    return Ok(TreeNodeRecursion::Stop);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(outcome: Result<impl Sized>) -> String {
        outcome.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_query_is_one_statement_that_reads() {
        for fine in [
            "SELECT 1;",
            "\u{feff}SELECT 1\r\n-- to the end",
            "WITH a AS (SELECT 1 AS b) SELECT * FROM a",
            "VALUES (1), (2)",
            "(SELECT 1) UNION ALL SELECT 2 ORDER BY 1 LIMIT 1",
        ] {
            query(fine).unwrap();
        }
        for (text, said) in [
            ("", "there is no query"),
            (" -- nothing", "there is no query"),
            ("SELECT 1; SELECT 2", "several statements"),
            ("SELECT 1; DROP TABLE frames", "several statements"),
            ("DROP TABLE frames", "`DROP TABLE` is no query"),
            ("COPY (SELECT 1) TO 'x.csv'", "`COPY (SELECT` is no query"),
            ("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'", "`CREATE EXTERNAL` is no query"),
            ("INSERT INTO frames VALUES (1)", "`INSERT INTO` is no query"),
            ("SET datafusion.execution.batch_size = 1", "`SET datafusion"),
            ("RESET datafusion.execution.batch_size", "`RESET datafusion"),
            ("EXPLAIN SELECT 1", "`EXPLAIN SELECT` is no query"),
            ("SHOW TABLES", "`SHOW TABLES` is no query"),
            ("PREPARE p AS SELECT 1", "`PREPARE p` is no query"),
            ("BEGIN", "is no query"),
            ("SELECT '", "this is not SQL"),
            ("S\0E\0L\0", "a NUL character"),
        ] {
            let refused = refusal(query(text));
            assert!(refused.contains(said), "{text}: {refused}");
        }
    }

    #[test]
    fn questions_are_queries_and_what_explains() {
        let all = "SHOW TABLES; DESCRIBE dataset; SHOW FUNCTIONS; SHOW COLUMNS FROM frames; EXPLAIN ANALYZE SELECT 1; SHOW ALL; SELECT 1";
        assert_eq!(questions(all).unwrap().len(), 7);
        for text in [
            "EXPLAIN COPY (SELECT 1) TO 'x'",
            "EXPLAIN EXPLAIN DROP TABLE a",
            "SELECT 1; SET a = 1",
            "DESCRIBE INSERT INTO a VALUES (1)",
        ] {
            let refused = refusal(questions(text));
            assert!(refused.contains("no query") || refused.contains("not SQL"), "{text}: {refused}");
        }
    }

    #[test]
    fn a_predicate_is_one_expression() {
        assert_eq!(predicate("margin > 0.5 -- wide\n AND task = 'it''s'").unwrap(), "margin > 0.5 AND task = 'it''s'");
        assert_eq!(
            predicate("sample_id IN (SELECT sample_id FROM dataset)").unwrap(),
            "sample_id IN (SELECT sample_id FROM dataset)"
        );
        for text in [
            "true) UNION ALL (SELECT * FROM dataset",
            "true UNION ALL SELECT * FROM dataset",
            "true ORDER BY margin",
            "true LIMIT 1",
            "true; DROP TABLE a",
            "true GROUP BY ALL",
            "true)",
            "true, false",
            "true AS x",
            "true /* no end",
            "",
            "--",
            "SELECT 1",
        ] {
            assert!(!refusal(predicate(text)).is_empty(), "{text}: {:?}", predicate(text));
        }
    }

    #[test]
    fn what_is_as_deep_as_it_is_long_is_refused() {
        let chain = |link: &str, n: usize| vec!["a"; n].join(link);
        for link in [" + ", " OR ", " IS NULL AND ", "::int + ", "||", " IN (1) AND ", "[1]", " NOT LIKE ", " -> "] {
            assert!(
                refusal(query(&format!("SELECT {}", chain(link, 20_000)))).contains("stand in one another"),
                "{link}"
            );
            query(&format!("SELECT {}", chain(" + ", 500))).unwrap();
        }
        for query_text in [
            format!("SELECT a{}", "[1]".repeat(20_000)),
            format!("SELECT a{}", "::int".repeat(20_000)),
            format!("SELECT {}", "-".to_owned() + &" - ".repeat(20_000)),
            format!("SELECT {}1{}", "(".repeat(20_000), ")".repeat(20_000)),
            format!("SELECT {} true", "NOT ".repeat(20_000)),
            format!("SELECT {}", "CASE WHEN ".repeat(20_000)),
            format!("{}SELECT 1", "EXPLAIN ".repeat(20_000)),
            format!("SELECT {}'1'", "INTERVAL ".repeat(20_000)),
            vec!["SELECT 1"; 3_000].join(" UNION ALL "),
            vec!["VALUES (1)"; 3_000].join(" EXCEPT "),
            format!("SELECT * FROM {}", vec!["a"; 3_000].join(", ")),
            format!("SELECT * FROM {}", vec!["a"; 3_000].join(" JOIN ")),
            format!("SELECT 1 FROM {}a{}", "(SELECT * FROM ".repeat(3_000), ")".repeat(3_000)),
        ] {
            assert!(!refusal(query(&query_text)).is_empty(), "{}", &query_text[..60]);
        }
        // One after the other is fine.
        let chain: Vec<String> = (1..90).map(|n| format!("t{n} AS (SELECT * FROM t{})", n - 1)).collect();
        query(&format!("WITH t0 AS (SELECT 1), {} SELECT * FROM t89", chain.join(", "))).unwrap();
        // Each name stands for twice what the one before does.
        let twice: Vec<String> = (1..40).map(|n| format!("t{n} AS (SELECT * FROM t{0}, t{0})", n - 1)).collect();
        let doubled = format!("WITH t0 AS (SELECT 1), {} SELECT * FROM t39", twice.join(", "));
        assert!(refusal(query(&doubled)).contains("too many tables"), "{doubled}");
    }

    #[test]
    fn what_is_long_and_flat_is_fine() {
        let ids: Vec<String> = (0..20_000).map(|n| format!("'id-{n}'")).collect();
        predicate(&format!("sample_id IN ({})", ids.join(", "))).unwrap();
        query(&format!("SELECT {}", ids.join(", "))).unwrap();
        let rows: Vec<String> = (0..5_000).map(|n| format!("({n} + 1, -{n})")).collect();
        query(&format!("VALUES {}", rows.join(", "))).unwrap();
        let branches: Vec<String> = (0..1_000).map(|n| format!("WHEN a = {n} THEN 'b'")).collect();
        query(&format!("SELECT CASE {} END", branches.join(" "))).unwrap();
    }
}
