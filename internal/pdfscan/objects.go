package pdfscan

import "slices"

// file finds the objects of a document.
type file struct {
	src      *source
	base     int64 // offset of the header, from which others count
	sections []section
	rows     int // bytes of the sections
	trailer  dict
	found    map[ref]place // of a damaged file, in place of sections

	loads    int
	inflated int64 // bytes
	holders  map[ref]*objectStream
	order    []ref // of the holders, as they were read
	cached   int   // bytes of the holders
}

// objectStream holds objects, whose numbers and offsets stand at its head.
type objectStream struct {
	data    []byte
	numbers []ref
	offsets []int64
}

func (f *file) parserAt(at int64) *parser { return &parser{src: f.src, start: at} }

// load reads the object of that number; one that is not there is nil.
func (f *file) load(num ref) (any, error) {
	if f.loads++; f.loads > maxLoads {
		return nil, tooLarge("there are too many objects to read")
	}
	p, err := f.locate(num)
	switch {
	case err != nil:
		return nil, err
	case p.holder != 0:
		return f.held(p, num)
	case p.at == 0:
		return nil, nil
	}
	got, v, err := f.parserAt(p.at).indirect()
	if err == nil && got != num {
		err = damaged("there is another object where there should be one")
	}
	return v, err
}

// resolve follows references.
func (f *file) resolve(v any) (any, error) {
	for range maxDepth {
		num, ok := v.(ref)
		if !ok {
			return v, nil
		}
		var err error
		if v, err = f.load(num); err != nil {
			return nil, err
		}
	}
	return nil, damaged("references go round in a circle")
}

// resolved returns what a reference leads to if it is a T, else the zero T.
func resolved[T any](f *file, v any) (T, error) {
	v, err := f.resolve(v)
	t, _ := v.(T)
	return t, err
}

// number returns an integer or a real.
func (f *file) number(v any) (float64, bool, error) {
	v, err := f.resolve(v)
	switch n := v.(type) {
	case int64:
		return float64(n), true, err
	case float64:
		return n, true, err
	}
	return 0, false, err
}

// held reads an object out of an object stream.
func (f *file) held(p place, num ref) (any, error) {
	holder, err := f.holder(p.holder)
	if err != nil {
		return nil, err
	}
	i := p.index
	if i >= len(holder.numbers) || holder.numbers[i] != num {
		i = slices.Index(holder.numbers, num)
	}
	if i < 0 {
		return nil, damaged("an object is not in its object stream")
	}
	at := holder.offsets[i]
	if at >= int64(len(holder.data)) {
		return nil, damaged("an object is beyond its object stream")
	}
	return (&parser{buf: holder.data[at:min(int64(len(holder.data)), at+maxObject)]}).value(0)
}

// holder reads an object stream or returns the one read before.
func (f *file) holder(num ref) (*objectStream, error) {
	if h, ok := f.holders[num]; ok {
		return h, nil
	}
	p, err := f.locate(num)
	if err != nil {
		return nil, err
	}
	if p.at == 0 {
		return nil, damaged("an object stream is missing")
	}
	got, v, err := f.parserAt(p.at).indirect()
	if err != nil {
		return nil, err
	}
	s, ok := v.(stream)
	if !ok || got != num {
		return nil, damaged("there is no object stream where there should be one")
	}
	h, err := f.unpack(s)
	if err != nil {
		return nil, err
	}
	f.keep(num, h)
	return h, nil
}

// unpack inflates an object stream and reads its head. Nothing in its
// dictionary is followed elsewhere: that could lead back to it.
func (f *file) unpack(s stream) (*objectStream, error) {
	first, ok := s.dict["First"].(int64)
	count, also := s.dict["N"].(int64)
	if s.dict["Type"] != name("ObjStm") || !ok || !also || first < 0 || count < 0 {
		return nil, damaged("there is no object stream where there should be one")
	}
	if count > maxNodes {
		return nil, tooLarge("an object stream has too many objects")
	}
	data, err := f.inflate(s, maxStream)
	if err != nil {
		return nil, err
	}
	h := &objectStream{data: data}
	head := parser{buf: data}
	for range count {
		num, ok := head.integer()
		at, also := head.integer()
		if !ok || !also || num > maxNumber || at > maxStream || first > maxStream {
			return nil, damaged("the head of an object stream is malformed")
		}
		h.numbers = append(h.numbers, ref(num))
		h.offsets = append(h.offsets, first+at)
	}
	return h, nil
}

// keep drops the object streams read first where too much is kept.
func (f *file) keep(num ref, h *objectStream) {
	if f.holders == nil {
		f.holders = map[ref]*objectStream{}
	}
	f.holders[num] = h
	f.order = append(f.order, num)
	f.cached += h.weight()
	for f.cached > maxCached && len(f.order) > 1 {
		f.cached -= f.holders[f.order[0]].weight()
		delete(f.holders, f.order[0])
		f.order = f.order[1:]
	}
}

func (h *objectStream) weight() int { return len(h.data) + 16*len(h.numbers) }
