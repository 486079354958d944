package jinja

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"reflect"
	"sort"
	"strconv"
	"strings"
)

// ParseJSON reads one JSON value, keeping the order of fields and the difference between integers and other numbers.
func ParseJSON(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	value, err := decode(decoder, 0)
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one JSON value")
	}
	return value, nil
}

func decode(decoder *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("JSON nested deeper than %d levels", maxDepth)
	}
	t, err := decoder.Token()
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	switch t {
	case json.Delim('['):
		list := &List{}
		for decoder.More() {
			item, err := decode(decoder, depth+1)
			if err != nil {
				return nil, err
			}
			list.Items = append(list.Items, item)
		}
		_, err := decoder.Token()
		return list, err
	case json.Delim('{'):
		d := NewDict()
		for decoder.More() {
			key, err := decoder.Token()
			if err != nil {
				return nil, err
			}
			value, err := decode(decoder, depth+1)
			if err != nil {
				return nil, err
			}
			d.Set(key.(string), value)
		}
		_, err := decoder.Token()
		return d, err
	}
	return ValueOf(t)
}

// ValueOf makes a value of a Go value: nil, bool, integers, floats, json.Number, strings, slices, maps with string keys (in the order of
// their keys), and values of this package as they are.
func ValueOf(value any) (any, error) { return valueOf(value, 0) }

func valueOf(value any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("a value is nested deeper than %d levels", maxDepth)
	}
	switch v := value.(type) {
	case nil, bool, int64, *big.Int, float64, string, Markup, *List, Tuple, *Dict:
		return v, nil
	case json.Number:
		return number(string(v))
	}
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return normalInt(new(big.Int).SetUint64(v.Uint())), nil
	case reflect.Float32, reflect.Float64:
		return v.Float(), nil
	case reflect.String:
		return v.String(), nil
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.Slice, reflect.Array:
		list := &List{}
		for i := range v.Len() {
			item, err := valueOf(v.Index(i).Interface(), depth+1)
			if err != nil {
				return nil, err
			}
			list.Items = append(list.Items, item)
		}
		return list, nil
	case reflect.Map:
		if v.Type().Key().Kind() == reflect.String {
			return dictOf(v, depth)
		}
	}
	return nil, fmt.Errorf("a %T is no value of a template", value)
}

func dictOf(v reflect.Value, depth int) (any, error) {
	keys := v.MapKeys()
	sort.Slice(keys, func(i, j int) bool { return keys[i].String() < keys[j].String() })
	d := NewDict()
	for _, key := range keys {
		value, err := valueOf(v.MapIndex(key).Interface(), depth+1)
		if err != nil {
			return nil, err
		}
		d.Set(key.String(), value)
	}
	return d, nil
}

func number(s string) (any, error) {
	if !strings.ContainsAny(s, ".eE") {
		if n, ok := new(big.Int).SetString(s, 10); ok {
			return normalInt(n), nil
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && f == 0 {
		return nil, fmt.Errorf("number %q: %w", s, err)
	}
	return f, nil
}
