package pdfscan

// PageSize is a size that some pages have.
type PageSize struct {
	Width, Height float64 // of the media box as it is shown, in points of 1/72 inch; 0 where there is none
	Pages         int     // how many have it
	First         int     // the first of them, counted from 1
}

// pageTree walks over the pages of a document.
type pageTree struct {
	f     *file
	doc   *Document
	seen  map[ref]bool // nodes, not pages: a node within itself would never end
	sizes map[[2]float64]int
}

// inherited is what a page takes from the nodes above it where it has none.
type inherited struct {
	box     any
	rotated any
}

func (f *file) readPages(doc *Document, root any) error {
	t := pageTree{f: f, doc: doc, seen: map[ref]bool{}, sizes: map[[2]float64]int{}}
	if err := t.walk(root, inherited{}, 0); err != nil {
		return err
	}
	if doc.Pages == 0 {
		return damaged("there are no pages")
	}
	return nil
}

func (t *pageTree) walk(v any, above inherited, depth int) error {
	if depth > maxDepth {
		return tooLarge("the tree of pages is too deep")
	}
	node, err := resolved[dict](t.f, v)
	if err != nil || node == nil {
		return err
	}
	if box := node["MediaBox"]; box != nil {
		above.box = box
	}
	if rotated := node["Rotate"]; rotated != nil {
		above.rotated = rotated
	}
	if node["Kids"] == nil || node["Type"] == name("Page") {
		return t.page(node, above)
	}
	if num, ok := v.(ref); ok {
		if t.seen[num] {
			return nil
		}
		t.seen[num] = true
	}
	kids, err := resolved[array](t.f, node["Kids"])
	if err != nil {
		return err
	}
	for _, kid := range kids {
		if err := t.walk(kid, above, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (t *pageTree) page(node dict, its inherited) error {
	size, err := t.f.size(its, node["UserUnit"])
	if err != nil {
		return err
	}
	t.doc.Pages++
	i, ok := t.sizes[size]
	if !ok {
		i = len(t.doc.Sizes)
		t.sizes[size] = i
		t.doc.Sizes = append(t.doc.Sizes, PageSize{Width: size[0], Height: size[1], First: t.doc.Pages})
	}
	t.doc.Sizes[i].Pages++
	return nil
}

// size returns width and height of a page as it is shown.
func (f *file) size(its inherited, userUnit any) ([2]float64, error) {
	var none [2]float64
	box, err := resolved[array](f, its.box)
	if err != nil || len(box) < 4 {
		return none, err
	}
	var corner [4]float64
	for i := range corner {
		n, ok, err := f.number(box[i])
		if err != nil || !ok {
			return none, err
		}
		corner[i] = n
	}
	unit, ok, err := f.number(userUnit)
	if err != nil {
		return none, err
	}
	if !ok || unit <= 0 {
		unit = 1
	}
	width, height := extent(corner[0], corner[2])*unit, extent(corner[1], corner[3])*unit
	turn, _, err := f.number(its.rotated)
	if int64(turn)/90%2 != 0 {
		width, height = height, width
	}
	return [2]float64{width, height}, err
}

// extent is the distance of two corners, which can be any two.
func extent(a, b float64) float64 { return max(a, b) - min(a, b) }
