//! A SQL function as a value: its documentation, an example that is run, its types and what it computes.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use crate::Arguments;
use crate::phrases::Phrases;

/// What people read of a function, wherever it is implemented: `SHOW FUNCTIONS`, `docs/functions.md`.
///
/// Nothing of it changes a result, so that the digests of functions' code leave it out.
#[derive(Debug, Clone, Copy)]
pub struct FunctionDoc {
    pub name: &'static str,
    /// How to call it: `draw(seed, purpose, id, ...)`.
    pub signature: &'static str,
    /// One line: what it gives.
    pub summary: &'static str,
    /// Paragraphs, in Markdown: what goes in, what comes out, and where it is null.
    pub details: &'static str,
    pub example: Example,
    pub cost: Cost,
}

/// A query that gives one value, and that value as text. It runs on its own, or, where its function opens files, in a project of the tests.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    pub sql: &'static str,
    pub result: &'static str,
}

impl Example {
    /// The query as people read it, whatever its indentation in the source.
    pub fn text(&self) -> String {
        self.sql.lines().map(str::trim).collect::<Vec<_>>().join("\n    ")
    }
}

/// What a call costs, by what it grows with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// Arithmetic or text: a microsecond or so a row.
    Cheap,
    /// Every object of a row's list is compared with every other.
    PerPair,
    /// Files are opened and images decoded.
    ReadsImages,
    /// A model is asked, unless its answer is kept already.
    AsksModels,
}

impl Cost {
    /// For lists.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cheap => "cheap",
            Self::PerPair => "per pair",
            Self::ReadsImages => "reads images",
            Self::AsksModels => "asks a model",
        }
    }
}

/// A SQL function that gives the same result for the same arguments and phrases, always.
#[derive(Debug)]
pub struct Function {
    pub doc: FunctionDoc,
    /// The type of the result for arguments of these types; an error says what is wrong with them.
    pub return_type: fn(&[DataType]) -> Result<DataType>,
    pub call: Call,
}

/// How its results are computed: one for each row.
#[derive(Debug, Clone, Copy)]
pub enum Call {
    /// From the arguments alone.
    Values(fn(&Arguments) -> Result<ArrayRef>),
    /// From the project's phrases, too.
    Phrases(fn(&Phrases, &[ArrayRef]) -> Result<ArrayRef>),
}

impl Function {
    /// What DataFusion calls. None for a function over phrases where there are none.
    pub fn scalar(&'static self, phrases: Option<&Arc<Phrases>>) -> Option<ScalarUDF> {
        let phrases = match self.call {
            Call::Values(_) => None,
            Call::Phrases(_) => Some(Arc::clone(phrases?)),
        };
        // DataFusion's "any arguments" means at least one.
        let any = vec![TypeSignature::VariadicAny, TypeSignature::Nullary];
        let signature = Signature::one_of(any, Volatility::Immutable);
        Some(ScalarUDF::new_from_impl(Scalar { function: self, signature, phrases }))
    }
}

/// The bridge from DataFusion to a [`Function`], written once: what is constant is computed once.
#[derive(Debug)]
struct Scalar {
    function: &'static Function,
    signature: Signature,
    phrases: Option<Arc<Phrases>>,
}

impl Scalar {
    fn fingerprint(&self) -> Option<u64> {
        self.phrases.as_ref().map(|phrases| phrases.fingerprint())
    }
}

impl ScalarUDFImpl for Scalar {
    fn name(&self) -> &str {
        self.function.doc.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        (self.function.return_type)(types)
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = call.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { call.number_rows };
        let arguments = Arguments::new(self.function.doc.name, &call.args, rows);
        let results = match (self.function.call, &self.phrases) {
            (Call::Values(call), _) => call(&arguments)?,
            (Call::Phrases(call), Some(phrases)) => call(phrases, &arguments.columns()?)?,
            (Call::Phrases(_), None) => return internal_err!("`{}` was registered without phrases", self.name()),
        };
        Ok(if constant {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&results, 0)?)
        } else {
            ColumnarValue::Array(results)
        })
    }
}

/// Names are unique in [`crate::FUNCTIONS`]; two functions over phrases are the same where they were made from the same texts.
impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.function.doc.name == other.function.doc.name && self.fingerprint() == other.fingerprint()
    }
}

impl Eq for Scalar {}

impl Hash for Scalar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.doc.name.hash(state);
        self.fingerprint().hash(state);
    }
}
