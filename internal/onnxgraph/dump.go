package onnxgraph
import ("fmt";"os")
func dump(c *cluster, t *trace, code []int64, k []float32) {
	if os.Getenv("DUMPK")=="" {return}
	fmt.Fprintln(os.Stderr,"KERNEL",c.leading,c.columns)
	for i,in:=range t.inputs { fmt.Fprintln(os.Stderr,"  in",i,in.node.op,in.node.name,in.node.dims,in.leading,in.last) }
	for i,s:=range t.steps { fmt.Fprintln(os.Stderr,"  step",i,s) }
	for _,n:=range c.roots { fmt.Fprintln(os.Stderr,"  root",n.op,n.name,n.dims,t.results[n], n.rank,n.level) }
	fmt.Fprintln(os.Stderr,"  ",code,k)
}
