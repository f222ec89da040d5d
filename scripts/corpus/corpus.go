package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Corpus is what is written: component names of kinds, rows of structs, values of enumerated types.
type Corpus struct {
	// "apps/v1 Deployment" to the component name of its struct.
	Kinds map[string]string `json:"kinds"`
	// Component name to flags of the type itself; only types that have some.
	Types map[string]string `json:"types"`
	// Component name to the values of an enumerated string type.
	Enums map[string][]string `json:"enums"`
	// Component name to one row per field; the grammar of a row is in README.md.
	Structs map[string][]string `json:"structs"`
}

// The kinds that every group registers for its own use; written once, for the core group.
const metaPackage = "k8s.io/apimachinery/pkg/apis/meta/v1"

type collector struct {
	Corpus
	markers *markerReader
	err     error
}

func collect(types *runtime.Scheme, groupVersions []string) (*Corpus, error) {
	c := &collector{
		Corpus: Corpus{
			Kinds: map[string]string{}, Types: map[string]string{},
			Enums: map[string][]string{}, Structs: map[string][]string{},
		},
		markers: newMarkerReader(),
	}
	for _, text := range groupVersions {
		groupVersion, err := schema.ParseGroupVersion(text)
		if err != nil {
			return nil, err
		}
		known := types.KnownTypes(groupVersion)
		if len(known) == 0 {
			return nil, fmt.Errorf("no types are registered for %q", text)
		}
		for kind, goType := range known {
			if goType.PkgPath() == metaPackage && text != "v1" {
				continue
			}
			c.Kinds[text+" "+kind] = component(goType)
			c.addStruct(goType)
		}
	}
	return &c.Corpus, c.err
}

// addStruct writes the rows of a struct and of all it reaches.
func (c *collector) addStruct(goType reflect.Type) {
	name := component(goType)
	if _, done := c.Structs[name]; done || c.err != nil {
		return
	}
	c.Structs[name] = []string{} // before the fields: types may be recursive
	own := c.markers.ofType(goType)
	if slices.Contains(own.flags, "structType=atomic") || slices.Contains(own.flags, "mapType=atomic") {
		c.Types[name] = "atomic"
	}
	rows := []string{}
	for i := range goType.NumField() {
		if row := c.row(goType, goType.Field(i)); row != "" {
			rows = append(rows, row)
		}
	}
	c.Structs[name] = rows
}

// encode is JSON with one field per line, so that a new release reads well as a diff.
func (c *Corpus) encode() ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(c); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// component is the name under which OpenAPI documents publish a Go type: io.k8s.api.core.v1.Pod.
func component(goType reflect.Type) string {
	host, path, _ := strings.Cut(goType.PkgPath(), "/")
	labels := strings.Split(host, ".")
	slices.Reverse(labels)
	return strings.Join(labels, ".") + "." + strings.ReplaceAll(path, "/", ".") + "." + goType.Name()
}
