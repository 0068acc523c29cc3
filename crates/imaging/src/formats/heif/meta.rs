//! What the `meta` box says: items, their properties, and how they belong together.

use std::collections::BTreeMap;

use super::boxes::{Fields, Kind, boxes, name};
use super::properties::Property;
use crate::{Error, Result};

/// An item: a coded picture, a rule that makes one of others, or metadata.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) kind: Kind,
    /// The media type of a `mime` item.
    pub(super) media: Vec<u8>,
}

/// One kind of belonging: `from` is made of, describes, or is alpha for `to`.
#[derive(Debug, Clone)]
struct Reference {
    kind: Kind,
    from: u32,
    to: Vec<u32>,
}

/// Where the bytes of an item lie.
#[derive(Debug, Clone, Default)]
pub(super) struct Location {
    /// 0: in the file, 1: in the `idat` box.
    pub(super) method: u8,
    /// Start and length of each piece; a length of 0 goes on to the end.
    pub(super) extents: Vec<(u64, u64)>,
}

/// What the `meta` box says.
#[derive(Debug, Default)]
pub(super) struct Meta {
    pub(super) primary: Option<u32>,
    items: BTreeMap<u32, Item>,
    references: Vec<Reference>,
    properties: Vec<Property>,
    /// Numbers of properties, counted from 1, and whether the picture is wrong without them.
    associations: BTreeMap<u32, Vec<(usize, bool)>>,
    pub(super) locations: BTreeMap<u32, Location>,
}

impl Meta {
    /// Takes one of the boxes in `meta`, or in the box of properties.
    pub(super) fn take(&mut self, kind: Kind, payload: &[u8]) -> Result<()> {
        let fields = Fields(payload);
        match &kind {
            b"pitm" => self.take_primary(fields),
            b"iinf" => self.take_items(fields),
            b"iref" => self.take_references(fields),
            b"iloc" => self.take_locations(fields),
            b"ipma" => self.take_associations(fields),
            _ => Ok(()),
        }
    }

    /// Takes the next of the properties.
    pub(super) fn take_property(&mut self, kind: Kind, payload: &[u8]) -> Result<()> {
        self.properties.push(Property::read(kind, payload)?);
        Ok(())
    }

    fn take_primary(&mut self, mut fields: Fields<'_>) -> Result<()> {
        let (version, _) = fields.version()?;
        self.primary = Some(fields.item(version > 0)?);
        Ok(())
    }

    fn take_items(&mut self, mut fields: Fields<'_>) -> Result<()> {
        let (version, _) = fields.version()?;
        fields.item(version > 0)?;
        for entry in boxes(fields.0) {
            let (kind, payload) = entry?;
            let mut fields = Fields(payload);
            if &kind != b"infe" {
                continue;
            }
            let (version, _) = fields.version()?;
            if version < 2 {
                return Err(Error::unsupported("items of an old version of the container"));
            }
            let id = fields.item(version > 2)?;
            fields.u16()?;
            let kind = fields.kind()?;
            let mut texts = fields.0.split(|byte| *byte == 0).skip(1);
            let media = texts.next().filter(|_| &kind == b"mime").unwrap_or_default().to_vec();
            self.items.insert(id, Item { kind, media });
        }
        Ok(())
    }

    fn take_references(&mut self, mut fields: Fields<'_>) -> Result<()> {
        let (version, _) = fields.version()?;
        let wide = version > 0;
        for entry in boxes(fields.0) {
            let (kind, payload) = entry?;
            let mut fields = Fields(payload);
            let from = fields.item(wide)?;
            let count = fields.u16()?;
            let to = (0..count).map(|_| fields.item(wide)).collect::<Result<_>>()?;
            self.references.push(Reference { kind, from, to });
        }
        Ok(())
    }

    fn take_locations(&mut self, mut fields: Fields<'_>) -> Result<()> {
        let (version, _) = fields.version()?;
        if version > 2 {
            return Err(Error::unsupported("locations of a newer version of the container"));
        }
        let sizes = fields.u16()?;
        let size = |shift: u16| (sizes >> shift & 15) as u8;
        let (offset_size, length_size, base_size) = (size(12), size(8), size(4));
        let index_size = if version > 0 { size(0) } else { 0 };
        let count = fields.item(version > 1)?;
        for _ in 0..count {
            let id = fields.item(version > 1)?;
            let method = if version > 0 { (fields.u16()? & 15) as u8 } else { 0 };
            // Another file than this one.
            if fields.u16()? != 0 {
                return Err(Error::unsupported("an item whose data are in another file"));
            }
            let base = fields.uint(base_size)?;
            let mut location = Location { method, extents: Vec::new() };
            let count = fields.u16()?;
            // Extents that take no bytes could be as many as memory holds.
            if count > 1 && offset_size == 0 && length_size == 0 {
                return Err(Error::input(format!("the {count} pieces of item {id} are nowhere")));
            }
            for _ in 0..count {
                fields.uint(index_size)?;
                let offset = fields.uint(offset_size)?.saturating_add(base);
                location.extents.push((offset, fields.uint(length_size)?));
            }
            self.locations.insert(id, location);
        }
        Ok(())
    }

    fn take_associations(&mut self, mut fields: Fields<'_>) -> Result<()> {
        let (version, flags) = fields.version()?;
        for _ in 0..fields.u32()? {
            let id = fields.item(version > 0)?;
            let count = fields.u8()?;
            for _ in 0..count {
                let (number, essential) = if flags & 1 != 0 {
                    let word = fields.u16()?;
                    (word & 0x7FFF, word & 0x8000 != 0)
                } else {
                    let byte = fields.u8()?;
                    (u16::from(byte & 0x7F), byte & 0x80 != 0)
                };
                self.associations.entry(id).or_default().push((number.into(), essential));
            }
        }
        Ok(())
    }

    /// The item with this number.
    pub(super) fn item(&self, id: u32) -> Result<&Item> {
        self.items.get(&id).ok_or_else(|| Error::input(format!("the container has no item {id}")))
    }

    /// What an item is said to be, in order. One that is unknown but essential is an error.
    pub(super) fn properties(&self, id: u32) -> Result<Vec<&Property>> {
        let associations = self.associations.get(&id).map(Vec::as_slice).unwrap_or_default();
        let mut properties = Vec::new();
        for (number, essential) in associations {
            // 0 stands for none.
            let Some(index) = number.checked_sub(1) else { continue };
            let property = self.properties.get(index);
            let property = property
                .ok_or_else(|| Error::input(format!("the container has no property {number}")))?;
            if let (Property::Other(kind), true) = (property, essential) {
                let name = name(*kind);
                return Err(Error::unsupported(format!(
                    "the picture needs its property {name} to be understood, which it is not"
                )));
            }
            properties.push(property);
        }
        Ok(properties)
    }

    /// The items that this one is made of, or describes.
    pub(super) fn to(&self, kind: &Kind, from: u32) -> &[u32] {
        let mut all = self.references.iter();
        let found = all.find(|reference| reference.kind == *kind && reference.from == from);
        found.map(|reference| reference.to.as_slice()).unwrap_or_default()
    }

    /// The items that belong to this one.
    pub(super) fn from(&self, kind: &Kind, to: u32) -> impl Iterator<Item = u32> {
        let kind = *kind;
        let all = self.references.iter();
        all.filter(move |reference| reference.kind == kind && reference.to.contains(&to))
            .map(|reference| reference.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn pieces_that_take_no_bytes_are_refused() {
        // Fields of no length, one item, 65535 pieces.
        let locations = [0, 0, 0, 0, 0, 0, 0, 1, 0, 7, 0, 0, 0xFF, 0xFF];
        let error = Meta::default().take(*b"iloc", &locations).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Input);
    }

    #[test]
    fn a_property_that_is_unknown_but_essential_is_refused() {
        let mut meta = Meta::default();
        meta.take_property(*b"pasp", &[0; 8]).unwrap();
        meta.take_property(*b"lsel", &[0; 2]).unwrap();
        let associations = |second| [0, 0, 0, 0, 0, 0, 0, 1, 0, 7, 2, 1, second];
        meta.take(*b"ipma", &associations(2)).unwrap();
        assert_eq!(meta.properties(7).unwrap().len(), 2);
        let mut meta = Meta { associations: BTreeMap::new(), ..meta };
        meta.take(*b"ipma", &associations(0x80 | 2)).unwrap();
        let error = meta.properties(7).unwrap_err();
        assert!(error.message.contains("\"lsel\""), "{error}");
        assert_eq!(error.kind, ErrorKind::Unsupported);
    }
}
