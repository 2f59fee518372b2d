//! Composite values in columns: one Arrow type, one shape of arguments and one reader each.
//!
//! A reader is made once a batch and gives a value of geometry for a row: `None` where the row is null, an error of geometry where it is none
//! of its kind. A column of nothing but nulls, as a literal NULL is one, reads as nulls.

mod mask;
mod number_lists;
mod obb;
mod pixel_box;
mod points;
mod pose;
mod vec3;

pub use mask::{EncodedMask, MASK, MaskColumn};
pub use obb::{OBB, ObbColumn, obb_array, obb_fields};
pub use pixel_box::{PIXEL_BOX, PixelBoxColumn, pixel_box_fields};
pub use points::PointsColumn;
pub use pose::{InvalidPose, PoseColumn};
pub use vec3::{VEC3, Vec3Column, vec3_array, vec3_fields};

#[cfg(test)]
mod tests {
    use arrow::array::ArrayRef;
    use datafusion::prelude::SessionContext;
    use spatialmill_geometry::PixelBox;

    use super::*;

    /// A value, a null, and what is none of its kind.
    async fn column(good: &str, bad: &str) -> ArrayRef {
        let sql = format!("SELECT v FROM (VALUES (1, {good}), (2, NULL), (3, {bad})) AS t (n, v) ORDER BY n");
        let batches = SessionContext::new().sql(&sql).await.unwrap().collect().await.unwrap();
        batches[0].column(0).clone()
    }

    #[tokio::test]
    async fn a_null_is_none_and_what_is_none_of_its_kind_is_an_error() {
        let masks =
            MaskColumn::of(&column("{height: 2, width: 2, counts: '22'}", "{height: 2, width: 2, counts: '9'}").await);
        let masks = masks.unwrap();
        assert_eq!(masks.get(0).unwrap().unwrap().area(), 2);
        assert!(masks.get(1).is_none() && masks.get(2).unwrap().is_err());

        let of = |axes: &str| {
            format!(
                "{{centre: {{x: 0, y: 0, z: 4}}, axes: [1, 0, 0, 0, 1, 0, 0, 0{axes}], lengths: {{x: 1, y: 1, z: 1}}}}"
            )
        };
        let obbs = ObbColumn::of(&column(&of(", 1"), &of("")).await).unwrap();
        assert_eq!(obbs.get(0).unwrap().unwrap().centre.z, 4.0);
        assert!(obbs.get(1).is_none() && obbs.get(2).unwrap().is_err());

        let poses = column("[1, 0, 0, 5, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]", "[1, 0]").await;
        let poses = PoseColumn::of(&poses).unwrap();
        assert!(poses.get(0).unwrap().is_ok() && poses.get(1).is_none());
        assert_eq!(poses.get(2), Some(Err(InvalidPose::Numbers(2))));

        let boxes = column("{x0: 1, y0: 2, x1: 3, y1: 4}", "{x0: 1, y0: NULL, x1: 3, y1: 4}").await;
        let boxes = PixelBoxColumn::of(&boxes).unwrap();
        assert_eq!(boxes.get(0), Some(PixelBox { x0: 1.0, y0: 2.0, x1: 3.0, y1: 4.0 }));
        assert!(boxes.get(1).is_none() && boxes.get(2).unwrap().y0.is_nan());
    }

    #[test]
    fn a_literal_null_reads_as_nulls_and_another_type_is_told() {
        let null = arrow::array::new_null_array(&arrow::datatypes::DataType::Null, 1);
        assert!(MaskColumn::of(&null).unwrap().get(0).is_none() && ObbColumn::of(&null).unwrap().get(0).is_none());
        assert!(PixelBoxColumn::of(&null).unwrap().get(0).is_none() && PoseColumn::of(&null).unwrap().get(0).is_none());
        let number: ArrayRef = std::sync::Arc::new(arrow::array::Int32Array::from(vec![1]));
        assert!(
            MaskColumn::of(&number).is_err() && ObbColumn::of(&number).is_err() && PoseColumn::of(&number).is_err()
        );
    }
}
