"""Common given names of Europe, by language; data for the built-in recogniser of names.

Names that are common words as well (`Will`, `May`, `Rose`, `Ernst`) are left out: without a cue they would mislead.
"""

from __future__ import annotations

from hortus.gateway.guards.folding import without_accents

_BY_LANGUAGE = {
    "de": (
        "Alexander Andrea Andreas Angelika Anja Anke Anna Anneliese Annette Antje Barbara Bastian Beate Benjamin Bernd Bernhard Bettina "
        "Birgit Brigitte Britta Carsten Christa Christel Christian Christiane Christina Christine Christoph Claudia Claus Cornelia Dagmar "
        "Daniel Daniela David Detlef Dieter Dietmar Dirk Dominik Doris Dorothea Eberhard Elena Elfriede Elke Elisabeth Emilia Emma Erika "
        "Erich Ernestine Eva Fabian Felix Florian Frank Franz Franziska Friedrich Fritz Gabriele Georg Gerd Gerda Gerhard Gertrud Gisela "
        "Gudrun Günter Günther Gustav Hanna Hannah Hannelore Hans Harald Hartmut Heike Heiko Heinrich Heinz Helga Helmut Henrik Herbert "
        "Hermann Hildegard Holger Horst Hubert Ilse Ines Inge Ingeborg Ingrid Irene Irmgard Isabel Jakob Jan Jana Jennifer Jens Joachim "
        "Jochen Johann Johanna Johannes Jonas Jörg Josef Judith Julia Julian Jürgen Jutta Kai Karin Karl Karsten Katharina Kathrin Katja "
        "Katrin Kerstin Kevin Klara Klaus Konrad Kristin Kurt Lara Laura Lea Lena Leon Leonie Lieselotte Lisa Lothar Lotte Luca Luisa Lukas "
        "Luise Lutz Magdalena Maik Manfred Manuela Marcel Marco Marcus Margarete Margit Margot Maria Marianne Marie Marion Mario Marius "
        "Markus Marlene Martin Martina Matthias Maximilian Max Melanie Mia Michael Michaela Mirko Monika Moritz Nadine Nicole Niklas Nils "
        "Nina Norbert Olaf Oliver Olga Oskar Otto Patrick Paul Paula Peter Petra Philipp Rainer Ralf Ramona Regina Reinhard Renate Rita Robert "
        "Roland Rolf Rosemarie Rüdiger Rudolf Ruth Sabine Sabrina Samuel Sandra Sara Sarah Sascha Sebastian Siegfried Sigrid Silke Silvia "
        "Simon Simone Sofia Sonja Sophia Sophie Stefan Stefanie Steffen Stephan Susanne Sven Svenja Tanja Theo Theresa Thomas Thorsten Tim "
        "Timo Tobias Torsten Udo Ulrich Ulrike Ursula Ute Uwe Vanessa Vera Verena Veronika Volker Walter Waltraud Werner Wilhelm Wolfgang "
        "Yvonne Beat Urs Reto Lukas Elias Noah"
    ),
    "fr": (
        "Adèle Adrien Agnès Alain Albert Alexandre Alexis Alice Amandine Amélie André Anne Annie Antoine Arnaud Arthur Aurélie Baptiste "
        "Béatrice Benjamin Benoît Bernadette Bernard Bertrand Brigitte Bruno Camille Caroline Catherine Cécile Cédric Chantal Charles "
        "Charlotte Chloé Christelle Christine Christophe Claire Claude Claudine Clément Colette Corinne Cyril Damien Danielle Delphine Denis "
        "Denise Didier Dominique Dorothée Édouard Élise Élodie Émilie Emmanuel Éric Estelle Étienne Eugénie Fabien Fabrice Fanny Florent "
        "Francine Franck François Françoise Frédéric Gabriel Gaëlle Geneviève Georges Gérard Ghislaine Gilbert Gilles Grégory Guillaume Guy "
        "Hélène Henri Hervé Hugo Huguette Inès Isabelle Jacqueline Jacques Jean Jeanne Jérémy Jérôme Joëlle Joseph Josiane Jules Julie Julien "
        "Juliette Karine Laetitia Laurence Laurent Léa Léo Liliane Loïc Louis Louise Luc Lucas Lucie Lucien Ludovic Madeleine Manon Marc "
        "Marcelle Margaux Marguerite Marine Marion Martine Mathieu Mathilde Matthieu Maurice Maxime Michel Michèle Mireille Monique Muriel "
        "Nadège Nathalie Nathan Nicolas Noémie Océane Odette Odile Olivier Pascal Patrice Patricia Paulette Pauline Philippe Pierre Quentin "
        "Raymond Régine Rémi Renée Robert Roger Romain Sandrine Sébastien Serge Séverine Solange Solène Stéphane Stéphanie Suzanne Sylvain "
        "Sylvie Thérèse Thibault Thierry Valérie Véronique Victor Vincent Virginie Viviane Xavier Yann Yannick Yves Yvette Zoé"
    ),
    "nl": (
        "Aart Adriaan Anneke Annelies Anouk Arie Arjan Bart Bas Bram Carla Cees Christiaan Coen Cornelis Daan Dennis Dirk Eline Ellen Els "
        "Emiel Erik Esmée Evelien Femke Floor Floris Frits Geert Gerrit Gijs Guus Hanneke Hans Harm Hendrik Henk Ineke Ingrid Iris Jaap Jacob Jan "
        "Janneke Jasper Jeroen Jesse Joke Joost Joris Jos Juul Karel Kees Klaas Koen Lars Lieke Lieven Loes Lotte Luuk Maarten Maaike Marieke "
        "Marijke Marjolein Marloes Maud Menno Merel Mieke Milan Nienke Niels Pieter Piet Pim Remco Rens Rianne Rik Rob Roos Ruben Ruud Saar "
        "Sander Sanne Sjoerd Stijn Sven Tess Teun Thijs Tijs Tineke Tjeerd Tom Truus Wendy Wesley Wiebe Willem Wim Wouter Yara Dries Griet "
        "Jelle Katrien Lien Nele Pieterjan Tine"
    ),
    "es": (
        "Adrián Agustín Alba Alberto Alejandra Alejandro Alfonso Alfredo Alicia Alonso Álvaro Amparo Ana Andrés Ángel Ángela Antonia Antonio "
        "Aurora Beatriz Begoña Carla Carlos Carmen Catalina Cecilia César Clara Concepción Consuelo Cristina Daniel David Diego Domingo Dolores "
        "Eduardo Elena Emilio Encarnación Enrique Esperanza Esteban Esther Eugenia Eva Felipe Fernando Fátima Francisca Francisco Gabriel Gema "
        "Gloria Gonzalo Gregorio Guillermo Héctor Hugo Ignacio Inés Inmaculada Irene Isabel Iván Jaime Javier Jesús Joaquín Jordi Jorge José Josefa "
        "Juan Juana Julia Julio Laura Leticia Lorenzo Lourdes Lucas Lucía Luis Luisa Manuel Manuela Marcos Margarita María Mariano Marina Mario "
        "Marta Martín Mateo Mercedes Miguel Mónica Montserrat Natalia Nicolás Noelia Nuria Óscar Pablo Pascual Patricia Paula Pedro Pilar Rafael "
        "Ramón Raquel Raúl Ricardo Roberto Rocío Rodrigo Rosario Rubén Salvador Sandra Santiago Sara Sergio Silvia Sofía Sonia Susana Teresa Tomás "
        "Vicente Víctor Virginia Yolanda"
    ),
    "it": (
        "Alberto Alessandra Alessandro Alessia Alessio Alice Andrea Angela Angelo Anna Antonella Antonio Arianna Aurora Barbara Beatrice Bruno "
        "Camilla Carla Carlo Caterina Chiara Cinzia Claudia Claudio Cristian Cristina Daniela Daniele Davide Domenico Elena Eleonora Elisa "
        "Elisabetta Emanuele Enrico Enzo Fabio Fabrizio Federica Federico Filippo Francesca Francesco Franco Gabriele Gaia Giacomo Gianluca Gianni "
        "Ginevra Giorgia Giorgio Giovanna Giovanni Giulia Giuliana Giulio Giuseppe Giuseppina Ilaria Irene Laura Leonardo Loredana Lorenzo Luca "
        "Lucia Luciano Luigi Manuela Marcello Marco Maria Mariangela Mario Marta Martina Massimo Matteo Maurizio Mauro Mattia Michela Michele Monica "
        "Nicola Nicolò Paola Paolo Pasquale Patrizia Piero Pietro Raffaele Renato Riccardo Rita Roberta Roberto Rosa Rosanna Salvatore Sara Sergio "
        "Silvia Simona Simone Stefania Stefano Teresa Tommaso Umberto Valentina Valeria Vincenzo Viola Vittoria Vittorio"
    ),
    "pl": (
        "Adam Agata Agnieszka Alicja Andrzej Aneta Anna Artur Barbara Bartłomiej Bartosz Beata Bogdan Bogusława Bożena Cezary Czesław Damian Danuta "
        "Dariusz Dawid Dominik Dorota Edyta Elżbieta Ewa Ewelina Filip Franciszek Grażyna Grzegorz Halina Hanna Helena Henryk Hubert Ireneusz Irena "
        "Iwona Izabela Jacek Jadwiga Jakub Jan Janina Janusz Jarosław Jerzy Joanna Jolanta Józef Julia Justyna Kacper Kamil Kamila Karol Karolina "
        "Katarzyna Kazimierz Kinga Klaudia Krystian Krystyna Krzysztof Leszek Lidia Łukasz Maciej Magdalena Małgorzata Marcin Marek Maria Mariola "
        "Mariusz Marta Marzena Mateusz Michał Mieczysław Mirosław Monika Natalia Oliwia Patryk Paulina Paweł Piotr Przemysław Radosław Rafał "
        "Renata Robert Roman Ryszard Sebastian Sławomir Stanisław Stefan Sylwia Szymon Tadeusz Teresa Tomasz Urszula Waldemar Wanda Weronika "
        "Wiesław Wiktoria Wiktor Witold Władysław Wojciech Zbigniew Zdzisław Zofia Zuzanna Zygmunt"
    ),
    "pt": (
        "Afonso Alberto Alexandra Alexandre Amélia Ana André Andreia António Armando Artur Beatriz Bernardo Bruno Carla Carlos Carolina Catarina "
        "Cátia Cláudia Conceição Cristiano Cristina Daniel Daniela David Diana Diogo Duarte Eduardo Fábio Fátima Fernanda Fernando Filipa Filipe "
        "Francisco Gabriel Gonçalo Guilherme Helena Henrique Hugo Inês Isabel Joana João Joaquim Jorge José Leonor Lourenço Luís Luísa Madalena "
        "Mafalda Manuel Marcelo Márcia Margarida Maria Mariana Mário Marta Martim Matilde Miguel Mónica Nélson Nuno Patrícia Paula Paulo Pedro Rafael "
        "Raquel Ricardo Rita Rodrigo Rosa Rui Salvador Sandra Sara Sérgio Sílvia Simão Sofia Sónia Susana Tatiana Telma Teresa Tiago Tomás Vânia Vasco "
        "Vera Vítor"
    ),
    "sv da no is": (
        "Agneta Albin Alf Alfred Anders Ann Annika Arne Åke Åsa Astrid Axel Bengt Berit Birgitta Björn Bo Börje Britt Camilla Carina Cecilia Christer "
        "Christina Dag Ebba Einar Elin Elsa Emil Erik Eva Fredrik Freja Gerd Göran Gunilla Gunnar Gustaf Gustav Håkan Hans Helena Henrik Hugo Inga Inger "
        "Ingrid Jan Jenny Jens Jesper Joakim Johan Johanna Jonas Karin Karl Kerstin Kjell Klara Knut Kristina Lars Leif Lena Lennart Linda Linnea Lisbeth "
        "Lotta Maja Magnus Malin Margareta Marie Marit Mats Mattias Mikael Mona Nils Olle Olof Ola Oskar Per Pernilla Peter Petter Pia Rickard Rolf Roger "
        "Sigrid Siv Sofia Solveig Staffan Stefan Stig Sture Susanne Sven Therese Thomas Torbjörn Tore Torsten Ulf Ulla Ulrika Viktor Wilma Yngve "
        "Anne Birthe Bjarne Bodil Carsten Dorthe Ellen Flemming Finn Grethe Hanne Helle Inge Jakob Jette Jørgen Jørn Karen Kasper Kim Kirsten Lone Mads "
        "Mathias Mette Mikkel Morten Niels Ole Pernille Poul Preben Rasmus Rikke Signe Søren Tine Torben Trine Vibeke Aksel Bente Espen Frode Geir Grete "
        "Hege Håvard Kari Kåre Kristian Liv Marius Nina Odd Øyvind Olav Ragnhild Randi Rune Sindre Stein Stine Svein Synnøve Terje Thea Tone Tor Tove Trond "
        "Vidar Guðrún Jón Sigurður Kristín Ólafur Björk Helga Einar Gunnar Ásta Katrín Margrét Stefán Þórdís Páll Hildur Árni Sólveig"
    ),
    "fi et lv lt": (
        "Aino Aleksi Anneli Anni Antti Ari Arto Eero Eeva Eija Elina Emmi Erkki Esa Hanna Hannu Heikki Helena Helmi Henna Iida Ilkka Inkeri Irma Jaakko Jari "
        "Jenni Joonas Jorma Juha Juhani Jukka Juho Kaarina Kalle Kari Katja Kirsi Kyösti Laura Leena Liisa Maarit Marja Marjatta Marko Markku Matti Merja "
        "Mika Mikko Minna Niina Niko Oili Olli Onni Outi Päivi Paavo Pasi Pekka Pentti Petri Pirjo Raija Reijo Riikka Riitta Risto Ritva Saara Sami Sanna "
        "Satu Seppo Sini Sirpa Tapani Tapio Tarja Teemu Teija Terhi Tero Tiina Timo Toni Topi Tuija Tuomas Tuula Tuulikki Ulla Väinö Veikko Ville "
        "Andres Ants Ene Helle Indrek Jaan Jüri Kaja Katrin Kristjan Külli Liina Maarja Margus Märt Mari Piret Priit Rein Siim Tiit Toomas Triin Urmas Ülle "
        "Aigars Aija Andris Anita Ansis Dace Edgars Guntis Ilze Inese Inga Ivars Jānis Juris Kārlis Kristaps Laima Līga Māris Mārtiņš Normunds Pēteris "
        "Raimonds Sandra Santa Uldis Valdis Zane Algirdas Antanas Asta Aušra Dalia Darius Eglė Gintaras Giedrė Ieva Irena Jonas Jurgita Kęstutis Laimonas "
        "Linas Mantas Mindaugas Rasa Rimantas Rūta Saulius Tomas Vaida Vilma Vytautas Žydrūnas Daiva"
    ),
    "cs sk sl hr": (
        "Adéla Alena Aleš Antonín Blanka Bohumil Božena Dagmar Dana Daniela David Denisa Dušan Eliška Eva Filip František Hana Helena Ivana Ivan Ivo Jakub "
        "Jan Jana Jaromír Jaroslav Jindřich Jiří Jiřina Jitka Josef Kamil Karel Karolína Kateřina Klára Kristýna Ladislav Lenka Libor Lubomír Lucie Luděk "
        "Ludmila Lukáš Magdaléna Marcela Marek Markéta Marie Martin Martina Matěj Michaela Michal Milada Milan Milena Miloš Miloslav Miroslav Monika Naděžda "
        "Oldřich Ondřej Patrik Pavel Pavla Petr Petra Radek Radka Renata Roman Růžena Simona Stanislav Šárka Štěpán Tereza Tomáš Václav Věra Veronika Viktor "
        "Vít Vladimír Vlasta Vojtěch Zdeněk Zdeňka Zuzana Andrej Anton Beáta Branislav Gabriela Igor Jozef Juraj Katarína Ľubica Ľuboš Ľudmila Mária Marián "
        "Matej Matúš Miroslava Peter Rastislav Silvia Soňa Štefan Terézia Tibor Viera Ján Andreja Aleksander Barbara Bojan Borut Branko Damjan Darja Franc "
        "Gregor Irena Janez Jože Katja Klemen Luka Maja Marija Marjan Marjeta Marko Mateja Matija Metka Miha Mojca Nataša Nejc Nika Peter Polona Primož Rok "
        "Sašo Simona Slavko Špela Tadej Tina Tomaž Urška Uroš Zoran Ante Ana Anto Boris Damir Davor Domagoj Dragica Dražen Dubravka Goran Hrvoje Ivica Jelena "
        "Josip Jurica Krešimir Krunoslav Ljiljana Lovro Mate Mirjana Mladen Nenad Nikola Petar Sanja Siniša Stjepan Tomislav Vesna Vlatka Zdravko Željko Zvonimir"
    ),
    "hu ro": (
        "Ágnes András Anikó Anna Attila Balázs Béla Bence Csaba Csilla Dániel Dávid Dóra Edit Enikő Erika Erzsébet Eszter Ferenc Gábor Gergely Gergő Györgyi "
        "György Gyula Ildikó Ilona Imre István Ibolya János Jenő József Judit Júlia Kálmán Károly Katalin Klára Kornél Kristóf Krisztián Krisztina Lajos "
        "László Levente Magdolna Márk Márta Márton Máté Mátyás Melinda Mihály Miklós Mónika Nándor Nikolett Noémi Norbert Orsolya Pál Péter Piroska Réka Roland "
        "Rozália Sándor Tamás Teréz Tibor Tímea Tünde Veronika Viktória Vilmos Vivien Zita Zoltán Zsófia Zsolt Zsuzsanna "
        "Adina Adrian Adriana Alexandra Alexandru Alin Alina Ana Anca Andreea Andrei Aurel Bogdan Camelia Carmen Catalin Cătălin Cezar Ciprian Claudiu Constantin "
        "Corina Cosmin Costel Cristian Cristina Dan Daniela Diana Doina Dorin Dragoș Dumitru Elena Emil Eugen Florin Florentina Gabriela Georgiana Gheorghe "
        "Gigi Horia Ileana Ilie Ioan Ioana Ion Ionel Ionuț Irina Laurențiu Lavinia Liliana Liviu Loredana Lucian Luminița Mădălina Marian Mariana Marin Marius "
        "Mihaela Mihai Mircea Monica Nicolae Nicoleta Octavian Oana Ovidiu Paul Petru Radu Ramona Raluca Răzvan Rodica Roxana Sabina Silviu Simona Sorin Sorina "
        "Ștefan Teodor Teodora Tudor Valentin Valeriu Vasile Viorel Viorica Vlad"
    ),
    "el bg": (
        "Αγγελική Αθανάσιος Αικατερίνη Αλέξανδρος Αλεξάνδρα Αναστασία Αναστάσιος Ανδρέας Άννα Αντώνης Αντώνιος Απόστολος Αργυρώ Αριστείδης Ασπασία Βασίλειος "
        "Βασίλης Βασιλική Βαγγέλης Γεωργία Γεώργιος Γιάννης Γιώργος Γρηγόρης Δέσποινα Δημήτρης Δημήτριος Δήμητρα Διονύσης Ειρήνη Ελένη Ελευθερία Ευαγγελία "
        "Ευάγγελος Εύη Ευτυχία Ηλίας Θανάσης Θεόδωρος Θεοδώρα Θωμάς Ιωάννα Ιωάννης Κατερίνα Κωνσταντίνα Κωνσταντίνος Κώστας Λάμπρος Λεωνίδας Μανώλης Μαργαρίτα "
        "Μαρία Μαρίνα Μάριος Μιχάλης Μιχαήλ Νίκη Νικολέτα Νικόλαος Νίκος Ξένια Όλγα Παναγιώτα Παναγιώτης Παρασκευή Παύλος Πέτρος Ράνια Σοφία Σπύρος Σπυρίδων "
        "Σταύρος Στέλλα Στέφανος Στυλιανός Σωτήρης Τάσος Φωτεινή Φώτης Χαράλαμπος Χρήστος Χριστίνα Χρυσούλα "
        "Alexandros Anastasia Andreas Charalambos Chrysanthi Dimitra Dimitrios Dimitris Eleni Georgios Giannis Giorgos Ioanna Ioannis Katerina Konstantinos Kostas "
        "Kyriakos Maria Marios Michalis Nikolaos Nikos Panagiotis Savvas Sofia Stavros Vasiliki Christos Eirini Despina "
        "Александър Албена Анна Антон Асен Атанас Борис Борислав Валентин Ваня Васил Венцислав Веселин Виктория Владимир Галина Георги Гергана Даниела Деница "
        "Десислава Димитър Диана Добромир Евгени Елена Емил Живко Иван Иванка Ивайло Илия Йордан Йорданка Калин Кирил Красимир Лиляна Любомир Магдалена Мариана "
        "Мария Мартин Милена Мира Надежда Николай Огнян Олга Павел Пенка Петя Петър Пламен Радка Радослав Росица Румен Светла Симеон Снежана Станислав Стефан "
        "Стефка Стоян Тодор Христо Цветан Цветелина Юлия Явор Янко Ivan Georgi Dimitar Petar Nikolay Stoyan Hristo Todor Desislava Gergana Ivanka Yordan Plamen Rumen"
    ),
    "en ga mt cy": (
        "Aaron Abigail Adam Adele Aidan Alan Alastair Alex Alexander Alexandra Alison Amanda Amber Amelia Amy Andrew Angela Ann Anna Annabel Anne Anthony Arthur Ashley "
        "Barbara Barry Ben Benjamin Bernadette Beth Beverley Brenda Brian Bridget Bronwen Callum Cameron Carl Carol Caroline Catherine Charles Charlie Charlotte "
        "Chloe Chris Christine Christopher Claire Clare Colin Connor Craig Cynthia Daisy Daniel Danielle Darren David Dawn Dean Deborah Debra Declan Denise Dennis Derek "
        "Diane Donald Donna Dorothy Douglas Duncan Dylan Edward Eileen Elaine Eleanor Elizabeth Ellie Emily Emma Eric Erin Ethan Evelyn Fiona Frances Francis Fred Freya "
        "Gareth Gary Gavin Gemma Geoffrey George Georgia Gerald Geraldine Gillian Glen Gordon Graham Greg Hamish Hannah Harriet Harry Hayley Hazel Heather Helen Henry "
        "Holly Howard Hugh Iain Ian Imogen Irene Isabella Isla Jack Jacqueline Jade Jake James Jamie Jane Janet Janice Jason Jean Jeffrey Jennifer Jeremy Jessica Jill Jim "
        "Joan Joanna Joanne Joe John Jonathan Jordan Joseph Josephine Joshua Joyce Judith Judy Julia Julian Julie Karen Kate Katherine Kathleen Katie Keith Kelly Kenneth "
        "Kevin Kieran Kimberley Kirsty Kyle Laura Lauren Leah Leanne Lee Leo Leslie Lewis Liam Linda Lindsay Lisa Logan Lorraine Louise Lucas Lucy Luke Lynn Malcolm "
        "Margaret Maria Marie Marion Marilyn Mark Martin Mary Mason Matthew Maureen Max Megan Melissa Michael Michelle Mike Millie Mohammed Mohamed Muhammad Molly Morag "
        "Nancy Natalie Natasha Nathan Neil Nicholas Nicola Nigel Noel Norman Oliver Olivia Oscar Owen Pamela Patricia Patrick Paul Paula Pauline Peter Philip Phoebe Phyllis "
        "Rachel Ralph Raymond Rebecca Rhys Richard Robert Robin Roger Ronald Rosemary Roy Russell Ruth Ryan Sally Sam Samantha Samuel Sandra Sarah Scott Sean Shannon Sharon "
        "Sheila Shirley Simon Siobhan Sophie Stella Stephanie Stephen Steven Stuart Susan Suzanne Sylvia Tara Terence Teresa Thomas Timothy Tina Toby Todd Tom Tony Tracey "
        "Trevor Valerie Vanessa Vera Victor Vincent Vivian Walter Wayne Wendy William Yvonne Zachary Zoe Aoife Ciara Cillian Deirdre Eamon Eoin Fergus Gráinne Maeve Niamh "
        "Oisín Orla Padraig Róisín Saoirse Seamus Seán Sinéad Siobhán Tadhg Carmelo Ċensu Ġorġ Ġuża Karmenu Marija Mariella Pawlu Rita Josef Joseph Kyriakos Eleni Panayiotis "
        "Ahmed Ali Amira Aisha Fatima Hassan Ibrahim Khadija Leila Mehmet Mustafa Omar Yusuf Ayşe Emre Elif Zeynep Murat Hüseyin Oleksandr Olena Dmytro Natalia Svetlana Sergei"
    ),
}  # fmt: skip

GIVEN_NAMES = frozenset(without_accents(name) for names in _BY_LANGUAGE.values() for name in names.split())
"""All of them, folded."""
