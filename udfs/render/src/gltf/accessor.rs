//! Numbers in a file's bytes: vectors of floats, or indices. Each says where it begins, how many there are, of what kind and how far
//! apart they are; all of that is checked before a byte is read.

use super::buffers::{Buffers, View};
use super::document::{Accessor, ComponentType, Document, Shape};
use super::{GltfError, Limits, broken, found, limit};

pub struct Accessors<'a> {
    document: &'a Document,
    buffers: &'a Buffers<'a>,
    limits: &'a Limits,
}

/// Numbers that lie at equal distances.
struct Layout<'a> {
    bytes: &'a [u8],
    stride: usize,
    kind: ComponentType,
    /// Numbers in each vector.
    width: usize,
}

impl<'a> Accessors<'a> {
    pub fn new(document: &'a Document, buffers: &'a Buffers<'a>, limits: &'a Limits) -> Self {
        Self { document, buffers, limits }
    }

    /// How many vectors there are. As a file says; nothing of it is checked.
    pub fn count(&self, index: usize) -> Result<u64, GltfError> {
        Ok(found("accessor", &self.document.accessors, index)?.count)
    }

    /// Whether its numbers are somewhere, and not all 0.
    pub fn has_bytes(&self, index: usize) -> Result<bool, GltfError> {
        let accessor = found("accessor", &self.document.accessors, index)?;
        Ok(accessor.buffer_view.is_some() || accessor.sparse.is_some())
    }

    /// Vectors of `N` numbers. Whole numbers that stand for fractions are these; `fill` is what is left of a vector that has fewer numbers,
    /// where `fewest` allows it.
    pub fn vectors<const N: usize>(&self, index: usize, fewest: usize, fill: f32) -> Result<Vec<[f32; N]>, GltfError> {
        let (accessor, count) = self.checked(index)?;
        let (kind, width) = (kind(index, accessor)?, width(index, accessor)?);
        if !(fewest..=N).contains(&width) {
            return Err(broken("accessor", index, format!("it has vectors of {width} numbers, not of {N}")));
        }
        let mut vectors = vec![[fill; N]; count];
        let read = |vector: &mut [f32; N], layout: &Layout, at: usize| {
            for (component, number) in vector[..width].iter_mut().enumerate() {
                *number = layout.float(at, component, accessor.normalized);
            }
        };
        match self.layout(index, accessor, count, kind, width)? {
            Some(layout) => vectors.iter_mut().enumerate().for_each(|(at, vector)| read(vector, &layout, at)),
            None => vectors.iter_mut().for_each(|vector| vector[..width].fill(0.0)),
        }
        if let Some((places, layout)) = self.sparse(index, accessor, count, kind, width)? {
            for (at, place) in places.into_iter().enumerate() {
                read(&mut vectors[place as usize], &layout, at);
            }
        }
        Ok(vectors)
    }

    /// Whole numbers, each alone.
    pub fn indices(&self, index: usize) -> Result<Vec<u32>, GltfError> {
        let (accessor, count) = self.checked(index)?;
        let kind = kind(index, accessor)?;
        if !kind.is_index() || width(index, accessor)? != 1 {
            return Err(broken("accessor", index, "its numbers are no indices"));
        }
        let mut indices = match self.layout(index, accessor, count, kind, 1)? {
            Some(layout) => (0..count).map(|at| layout.whole(at)).collect(),
            None => vec![0; count],
        };
        if let Some((places, layout)) = self.sparse(index, accessor, count, kind, 1)? {
            for (at, place) in places.into_iter().enumerate() {
                indices[place as usize] = layout.whole(at);
            }
        }
        Ok(indices)
    }

    /// An accessor with a count that may be taken memory for.
    fn checked(&self, index: usize) -> Result<(&'a Accessor, usize), GltfError> {
        let accessor = found("accessor", &self.document.accessors, index)?;
        // Indices are three a triangle, at most.
        let most = self.limits.vertices.max(self.limits.triangles.saturating_mul(3)) as u64;
        limit("numbers in one list", accessor.count, most)?;
        Ok((accessor, accessor.count as usize))
    }

    /// Where the numbers are; `None` where all of them are 0.
    fn layout(
        &self,
        index: usize,
        accessor: &Accessor,
        count: usize,
        kind: ComponentType,
        width: usize,
    ) -> Result<Option<Layout<'a>>, GltfError> {
        let Some(view) = accessor.buffer_view else { return Ok(None) };
        let view = self.buffers.view(view)?;
        let start = accessor.byte_offset.unwrap_or(0);
        Layout::new(index, view, start, count, kind, width).map(Some)
    }

    /// Vectors that replace those at some places: the places, each below `count`, and where their numbers are.
    fn sparse(
        &self,
        index: usize,
        accessor: &Accessor,
        count: usize,
        kind: ComponentType,
        width: usize,
    ) -> Result<Option<(Vec<u32>, Layout<'a>)>, GltfError> {
        let Some(sparse) = &accessor.sparse else { return Ok(None) };
        let Some(place_kind) = sparse.indices.component_type.filter(|kind| kind.is_index()) else {
            return Err(broken("accessor", index, "its sparse indices are of no kind that there is"));
        };
        if sparse.count > count as u64 {
            return Err(broken("accessor", index, "it replaces more numbers than it has"));
        }
        let replaced = sparse.count as usize;
        let view = self.buffers.view(sparse.indices.buffer_view)?;
        let places = Layout::new(index, view, sparse.indices.byte_offset.unwrap_or(0), replaced, place_kind, 1)?;
        let places: Vec<u32> = (0..replaced).map(|at| places.whole(at)).collect();
        if places.iter().any(|place| *place as usize >= count) {
            return Err(broken("accessor", index, "it replaces a number that it has not"));
        }
        let view = self.buffers.view(sparse.values.buffer_view)?;
        let values = Layout::new(index, view, sparse.values.byte_offset.unwrap_or(0), replaced, kind, width)?;
        Ok(Some((places, values)))
    }
}

impl<'a> Layout<'a> {
    /// `count` vectors from byte `start` of a view on, if it has them.
    fn new(
        index: usize,
        view: View<'a>,
        start: u64,
        count: usize,
        kind: ComponentType,
        width: usize,
    ) -> Result<Self, GltfError> {
        let size = width * kind.size();
        let stride = view.stride.unwrap_or(size);
        if stride < size {
            return Err(broken("accessor", index, "its vectors overlap"));
        }
        // The last one ends with itself and not with the distance to a next one.
        let length =
            if count == 0 { Some(0) } else { stride.checked_mul(count - 1).and_then(|all| all.checked_add(size)) };
        let start = usize::try_from(start).ok();
        let end = start.zip(length).and_then(|(start, length)| start.checked_add(length));
        let bytes = start.zip(end).and_then(|(start, end)| view.bytes.get(start..end));
        let bytes = bytes.ok_or_else(|| broken("accessor", index, "it reaches beyond its buffer view"))?;
        Ok(Self { bytes, stride, kind, width })
    }

    fn bytes<const N: usize>(&self, at: usize, component: usize) -> [u8; N] {
        debug_assert!(component < self.width && N == self.kind.size());
        let start = at * self.stride + component * N;
        self.bytes[start..start + N].try_into().expect("N bytes are N bytes")
    }

    fn float(&self, at: usize, component: usize, is_fraction: bool) -> f32 {
        let (number, one) = match self.kind {
            ComponentType::F32 => return f32::from_le_bytes(self.bytes(at, component)),
            ComponentType::I8 => (f32::from(i8::from_le_bytes(self.bytes(at, component))), 127.0),
            ComponentType::U8 => (f32::from(u8::from_le_bytes(self.bytes(at, component))), 255.0),
            ComponentType::I16 => (f32::from(i16::from_le_bytes(self.bytes(at, component))), 32767.0),
            ComponentType::U16 => (f32::from(u16::from_le_bytes(self.bytes(at, component))), 65535.0),
            // Not exact beyond 2^24, where nothing of a mesh is.
            ComponentType::U32 => (u32::from_le_bytes(self.bytes(at, component)) as f32, 4294967295.0),
        };
        // There is one more whole number below 0 than above it.
        if is_fraction { (number / one).max(-1.0) } else { number }
    }

    fn whole(&self, at: usize) -> u32 {
        match self.kind {
            ComponentType::U8 => u32::from(u8::from_le_bytes(self.bytes(at, 0))),
            ComponentType::U16 => u32::from(u16::from_le_bytes(self.bytes(at, 0))),
            ComponentType::U32 => u32::from_le_bytes(self.bytes(at, 0)),
            _ => unreachable!("indices are of these three kinds, which was checked"),
        }
    }
}

fn kind(index: usize, accessor: &Accessor) -> Result<ComponentType, GltfError> {
    accessor.component_type.ok_or_else(|| broken("accessor", index, "its numbers are of no kind that there is"))
}

/// Numbers in a vector.
fn width(index: usize, accessor: &Accessor) -> Result<usize, GltfError> {
    match accessor.shape {
        Some(Shape::Scalar) => Ok(1),
        Some(Shape::Vec2) => Ok(2),
        Some(Shape::Vec3) => Ok(3),
        Some(Shape::Vec4) => Ok(4),
        // Matrices begin on multiples of four bytes; none is needed here.
        Some(Shape::Mat2 | Shape::Mat3 | Shape::Mat4) | None => {
            Err(broken("accessor", index, "it holds neither numbers nor vectors"))
        }
    }
}
