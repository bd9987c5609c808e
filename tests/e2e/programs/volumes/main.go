// Command volumes provisions the volumes of the test cluster: a folder for each claim. It runs outside of the cluster.
package main

import (
	"context"
	"flag"
	"log"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "kubeconfig file")
	folder := flag.String("folder", "", "folder for volumes")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	p := provisioner{kubernetes.NewForConfigOrDie(config), *folder}
	if err := p.createClass(ctx); err != nil {
		log.Fatal(err)
	}
	for range time.Tick(500 * time.Millisecond) {
		if err := p.reconcile(ctx); err != nil {
			log.Print(err)
		}
	}
}
