package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Types with a JSON or protobuf form of their own; the reader knows them by these names.
var scalars = map[reflect.Type]string{
	reflect.TypeFor[metav1.Time]():                                "time",
	reflect.TypeFor[metav1.MicroTime]():                           "microTime",
	reflect.TypeFor[metav1.FieldsV1]():                            "fieldsV1",
	reflect.TypeFor[resource.Quantity]():                          "quantity",
	reflect.TypeFor[intstr.IntOrString]():                         "intOrString",
	reflect.TypeFor[runtime.RawExtension]():                       "raw",
	reflect.TypeFor[apiextensions.JSON]():                         "json",
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrArray]():       "schemaOrArray",
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrBool]():        "schemaOrBool",
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrStringArray](): "schemaOrStrings",
}

// row writes one field: `name type tag flags…`, or nothing for a field that does not travel.
func (c *collector) row(owner reflect.Type, field reflect.StructField) string {
	jsonName, jsonOptions, _ := strings.Cut(field.Tag.Get("json"), ",")
	options := strings.Split(jsonOptions, ",")
	switch {
	case jsonName == "-":
		return ""
	case slices.Contains(options, "inline") || (field.Anonymous && jsonName == ""):
		jsonName = "+"
	case jsonName == "":
		c.fail(owner, field, "has no JSON name")
		return ""
	}
	typeName := c.typeName(owner, field, field.Type)
	parts := []string{jsonName, typeName, protobufTag(field)}

	omitEmpty, omitZero := slices.Contains(options, "omitempty"), slices.Contains(options, "omitzero")
	// Go's omitempty does nothing to structs.
	if omitZero || (omitEmpty && field.Type.Kind() != reflect.Struct) {
		parts = append(parts, "omit")
	}
	if strategy := field.Tag.Get("patchStrategy"); strategy != "" {
		parts = append(parts, "patch="+strategy)
	}
	if key := field.Tag.Get("patchMergeKey"); key != "" {
		parts = append(parts, "key="+key)
	}
	if enum := c.enumName(underlying(field.Type)); enum != "" {
		parts = append(parts, "enum="+enum)
	}
	marks := c.markers.ofField(owner, field.Name)
	if len(marks.listMapKeys) > 0 {
		marks.flags = append(marks.flags, "keys="+strings.Join(marks.listMapKeys, ","))
	}
	slices.Sort(marks.flags)
	parts = append(parts, slices.Compact(marks.flags)...)
	if marks.defaultValue != "" {
		parts = append(parts, "default="+marks.defaultValue) // last: the only part that may hold spaces
	}
	return strings.Join(parts, " ")
}

// typeName writes `*x` for a pointer, `[]x` for a list, `{}x` for a map, `()x` for a list that protobuf wraps in a message.
func (c *collector) typeName(owner reflect.Type, field reflect.StructField, goType reflect.Type) string {
	if name, known := scalars[goType]; known {
		if strings.HasPrefix(name, "schemaOr") {
			c.addStruct(reflect.TypeFor[apiextensions.JSONSchemaProps]())
		}
		return name
	}
	switch goType.Kind() {
	case reflect.Pointer:
		return "*" + c.typeName(owner, field, goType.Elem())
	case reflect.Slice:
		if goType.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		if _, wrapped := reflect.New(goType).Interface().(interface{ Marshal() ([]byte, error) }); wrapped {
			return "()" + c.typeName(owner, field, goType.Elem())
		}
		return "[]" + c.typeName(owner, field, goType.Elem())
	case reflect.Map:
		if goType.Key().Kind() != reflect.String {
			c.fail(owner, field, "is a map whose keys are not strings")
		}
		return "{}" + c.typeName(owner, field, goType.Elem())
	case reflect.Struct:
		c.addStruct(goType)
		return component(goType)
	case reflect.String, reflect.Bool, reflect.Int32, reflect.Int64, reflect.Float64:
		return goType.Kind().String()
	case reflect.Interface:
		return "raw" // an embedded object of any kind; never travels as protobuf
	default:
		c.fail(owner, field, "has the unexpected type "+goType.String())
		return ""
	}
}

// enumName records the values of an enumerated string type and returns its component name.
func (c *collector) enumName(goType reflect.Type) string {
	if goType.Kind() != reflect.String || goType.PkgPath() == "" {
		return ""
	}
	values := c.markers.enumValues(goType)
	if len(values) == 0 {
		return ""
	}
	name := component(goType)
	c.Enums[name] = values
	return name
}

// underlying takes off pointers, lists and maps.
func underlying(goType reflect.Type) reflect.Type {
	for goType.Kind() == reflect.Pointer || goType.Kind() == reflect.Slice || goType.Kind() == reflect.Map {
		if _, known := scalars[goType]; known {
			return goType
		}
		goType = goType.Elem()
	}
	return goType
}

// protobufTag is the number in `protobuf:"bytes,3,opt,name=x"`, or 0 for a field that does not travel as protobuf.
func protobufTag(field reflect.StructField) string {
	parts := strings.Split(field.Tag.Get("protobuf"), ",")
	if len(parts) < 2 {
		return "0"
	}
	return parts[1]
}

func (c *collector) fail(owner reflect.Type, field reflect.StructField, problem string) {
	if c.err == nil {
		c.err = fmt.Errorf("%s.%s %s", component(owner), field.Name, problem)
	}
}
