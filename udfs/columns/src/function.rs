//! One SQL function as a value: its name, its documentation and what it does.

use std::hash::{Hash, Hasher};

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use crate::Arguments;

/// A SQL function that gives the same answer for the same arguments, always.
#[derive(Debug)]
pub struct Function {
    pub name: &'static str,
    /// How to call it: `draw(seed, purpose, id, ...)`.
    pub usage: &'static str,
    /// One line.
    pub doc: &'static str,
    pub example: Example,
    /// The type of the answer to arguments of these types; an error says what is wrong with them.
    pub answer: fn(&[DataType]) -> Result<DataType>,
    /// One answer for each row.
    pub call: fn(&Arguments) -> Result<ArrayRef>,
}

/// A query that runs on its own and gives one value, and that value as text.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    pub sql: &'static str,
    pub answer: &'static str,
}

impl Function {
    /// What DataFusion calls.
    pub fn scalar(&'static self) -> ScalarUDF {
        // DataFusion's "any arguments" means at least one.
        let any = vec![TypeSignature::VariadicAny, TypeSignature::Nullary];
        ScalarUDF::new_from_impl(Scalar(self, Signature::one_of(any, Volatility::Immutable)))
    }
}

/// The bridge from DataFusion to a [`Function`], written once: what is constant is computed once.
#[derive(Debug)]
struct Scalar(&'static Function, Signature);

impl ScalarUDFImpl for Scalar {
    fn name(&self) -> &str {
        self.0.name
    }

    fn signature(&self) -> &Signature {
        &self.1
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        (self.0.answer)(types)
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = call.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { call.number_rows };
        let answers = (self.0.call)(&Arguments::new(self.0.name, &call.args, rows))?;
        Ok(if constant {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&answers, 0)?)
        } else {
            ColumnarValue::Array(answers)
        })
    }
}

/// Names are unique in [`crate::FUNCTIONS`].
impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Scalar {}

impl Hash for Scalar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use arrow::util::display::array_value_to_string;
    use datafusion::prelude::{SessionConfig, SessionContext};

    use crate::{FUNCTIONS, scalar_functions};

    #[test]
    fn functions_are_listed_once_with_a_line_of_documentation() {
        for (i, function) in FUNCTIONS.iter().enumerate() {
            assert!(
                FUNCTIONS[..i].iter().all(|other| other.name != function.name),
                "{} is listed twice",
                function.name
            );
            assert!(function.usage.starts_with(&format!("{}(", function.name)), "{}", function.usage);
            assert!(!function.doc.is_empty() && !function.doc.contains('\n'), "{}", function.name);
            assert!(function.example.sql.contains(function.name), "{}", function.name);
        }
    }

    #[tokio::test]
    async fn examples_give_what_they_say() {
        let ctx = SessionContext::new_with_config(
            SessionConfig::new().set_bool("datafusion.sql_parser.map_string_types_to_utf8view", false),
        );
        scalar_functions().for_each(|function| ctx.register_udf(function));
        for function in FUNCTIONS {
            let batches =
                ctx.sql(function.example.sql).await.expect(function.name).collect().await.expect(function.name);
            let answer = array_value_to_string(batches[0].column(0), 0).expect(function.name);
            assert_eq!(answer, function.example.answer, "{}", function.name);
        }
    }
}
