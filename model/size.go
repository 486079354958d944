package model

// LinearParameters counts the weights of the linear layers, biases and the LM head not among them: what load_in_4bit quantises.
func (c *Checkpoint) LinearParameters() int {
	n := 0
	for _, p := range c.params {
		if p.Linear != nil {
			n += p.size()
		}
	}
	return n
}

// AdapterParameters counts the weights of an adapter on the model.
func (c *Checkpoint) AdapterParameters(a *Adapter) (int, error) {
	layers, err := a.layers(c)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, l := range layers {
		n += a.Rank * (l.In + l.Out)
	}
	return n, nil
}
