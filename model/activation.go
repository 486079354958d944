package model

import "github.com/sparsepo/sparsepo/internal/activation"

// activations by Hugging Face's names.
var activations = activation.Functions

func activationNames() []string { return activation.Names() }
