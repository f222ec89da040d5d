package main

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"log"
	"os/exec"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// marks are the facts that Go's types do not carry and upstream writes as comment lines `+name=value`.
type marks struct {
	flags        []string
	listMapKeys  []string
	defaultValue string
}

type packageMarks struct {
	types     map[string]marks
	fields    map[string]marks // by "Type.Field"
	enumTypes map[string]bool
	constants map[string][]string // values by type name
	named     map[string]string   // values by constant name, for defaults that refer to one
}

// markerReader reads the sources of a package once, on first use.
type markerReader struct {
	packages map[string]*packageMarks
}

func newMarkerReader() *markerReader {
	return &markerReader{packages: map[string]*packageMarks{}}
}

func (r *markerReader) ofType(goType reflect.Type) marks {
	return r.read(goType.PkgPath()).types[goType.Name()]
}

func (r *markerReader) ofField(owner reflect.Type, field string) marks {
	found := r.read(owner.PkgPath()).fields[owner.Name()+"."+field]
	found.flags = slices.Clone(found.flags)
	return found
}

func (r *markerReader) enumValues(goType reflect.Type) []string {
	found := r.read(goType.PkgPath())
	if !found.enumTypes[goType.Name()] {
		return nil
	}
	values := slices.Clone(found.constants[goType.Name()])
	slices.Sort(values)
	return slices.Compact(values)
}

func (r *markerReader) read(path string) *packageMarks {
	if found, done := r.packages[path]; done {
		return found
	}
	found := &packageMarks{
		types: map[string]marks{}, fields: map[string]marks{}, enumTypes: map[string]bool{},
		constants: map[string][]string{}, named: map[string]string{},
	}
	r.packages[path] = found
	for _, file := range sources(path) {
		for _, declaration := range file.Decls {
			general, isGeneral := declaration.(*ast.GenDecl)
			switch {
			case !isGeneral:
			case general.Tok == token.TYPE:
				found.readTypes(general)
			case general.Tok == token.CONST:
				found.readConstants(general)
			}
		}
	}
	found.resolveDefaults()
	return found
}

func (p *packageMarks) readTypes(general *ast.GenDecl) {
	for _, spec := range general.Specs {
		typeSpec := spec.(*ast.TypeSpec)
		name := typeSpec.Name.Name
		for _, doc := range []*ast.CommentGroup{general.Doc, typeSpec.Doc} {
			for _, line := range markerLines(doc) {
				if line == "enum" {
					p.enumTypes[name] = true
				}
			}
			if own := parseMarks(doc); len(own.flags) > 0 {
				p.types[name] = own
			}
		}
		structType, isStruct := typeSpec.Type.(*ast.StructType)
		if !isStruct {
			continue
		}
		for _, field := range structType.Fields.List {
			for _, fieldName := range fieldNames(field) {
				p.fields[name+"."+fieldName] = parseMarks(field.Doc)
			}
		}
	}
}

func (p *packageMarks) readConstants(general *ast.GenDecl) {
	for _, spec := range general.Specs {
		value := spec.(*ast.ValueSpec)
		for i, name := range value.Names {
			if i >= len(value.Values) {
				continue
			}
			literal, isLiteral := value.Values[i].(*ast.BasicLit)
			if !isLiteral || literal.Kind != token.STRING {
				continue
			}
			text := constant.StringVal(constant.MakeFromLiteral(literal.Value, token.STRING, 0))
			p.named[name.Name] = text
			if typeName, isIdent := value.Type.(*ast.Ident); isIdent {
				p.constants[typeName.Name] = append(p.constants[typeName.Name], text)
			}
		}
	}
}

// resolveDefaults turns `ref(Name)` into the constant's value.
func (p *packageMarks) resolveDefaults() {
	for key, own := range p.fields {
		name, isReference := strings.CutPrefix(own.defaultValue, "ref(")
		if !isReference {
			continue
		}
		value, known := p.named[strings.TrimSuffix(name, ")")]
		if !known {
			log.Fatalf("%s: unknown constant in default %s", key, own.defaultValue)
		}
		own.defaultValue = strconv.Quote(value)
		p.fields[key] = own
	}
}

func parseMarks(doc *ast.CommentGroup) marks {
	var found marks
	for _, line := range markerLines(doc) {
		name, value, _ := strings.Cut(line, "=")
		switch name {
		case "listType":
			found.flags = append(found.flags, "list="+value)
		case "mapType", "structType":
			found.flags = append(found.flags, name+"="+value)
		case "listMapKey":
			found.listMapKeys = append(found.listMapKeys, value)
		case "default":
			found.defaultValue = value
		}
	}
	return found
}

func markerLines(doc *ast.CommentGroup) []string {
	if doc == nil {
		return nil
	}
	var lines []string
	for _, comment := range doc.List {
		text := strings.TrimSpace(strings.TrimPrefix(comment.Text, "//"))
		if marker, isMarker := strings.CutPrefix(text, "+"); isMarker {
			lines = append(lines, strings.TrimSpace(marker))
		}
	}
	return lines
}

func fieldNames(field *ast.Field) []string {
	if len(field.Names) > 0 {
		var names []string
		for _, name := range field.Names {
			names = append(names, name.Name)
		}
		return names
	}
	embedded := field.Type
	if pointer, isPointer := embedded.(*ast.StarExpr); isPointer {
		embedded = pointer.X
	}
	switch name := embedded.(type) {
	case *ast.Ident:
		return []string{name.Name}
	case *ast.SelectorExpr:
		return []string{name.Sel.Name}
	}
	return nil
}

// sources parses the files of a package from the module cache.
func sources(path string) []*ast.File {
	listed, err := exec.Command("go", "list", "-f", "{{.Dir}}{{range .GoFiles}}\n{{.}}{{end}}", path).Output()
	if err != nil {
		log.Fatalf("finding the sources of %s: %v", path, err)
	}
	lines := strings.Split(strings.TrimSpace(string(listed)), "\n")
	var files []*ast.File
	for _, name := range lines[1:] {
		file, err := parser.ParseFile(token.NewFileSet(), lines[0]+"/"+name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			log.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}
